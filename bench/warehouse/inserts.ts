// What a batch costs, by its size: through EventWriter, into an empty database, with fsync as migrated and without.
import { randomBytes, randomUUID } from 'node:crypto';
import { createClickHouseClient } from '../../src/warehouse/clickhouse.client.js';
import { EventRowEncoder } from '../../src/warehouse/event-row.encoder.js';
import { EventWriter } from '../../src/warehouse/event.writer.js';
import { Migrator } from '../../src/warehouse/migrator.js';
import type { EventRow } from '../../src/warehouse/event-row.js';
import type { Table } from '../figure.js';
import { elapsed } from './measure.js';

const TYPES = ['page_viewed', 'product_viewed', 'order_placed', 'search_performed', 'cart_viewed'];

function eventRow(i: number): EventRow {
  return {
    tenantId: i % 10 ? 'acme' : 'globex',
    id: randomBytes(16),
    eventType: i % 50 ? (TYPES[i % 5] ?? '') : 'context_identified',
    userId: `usr_${(((i * 2654435761) >>> 0) % 100_000).toString(16)}`,
    anonymousId: '',
    eventId: '',
    occurredAt: 1_790_000_000_000 + i,
    receivedAt: 1_790_000_000_000_000 + i * 1000,
    payload: Buffer.from(
      `{"url":"https://shop.example.com/products/${i}?ref=51","title":"Product ${i % 5000} - the shop","session_id":"fbe467fde96620ff","price":118.85,"position":1,"referrer":null,"screen":{"w":1920,"h":1080}}`,
    ),
  };
}

export async function measureInserts(serverUrl: string): Promise<Table> {
  const rows: (string | number)[][] = [];
  for (const [size, inFlight, batches] of [
    [500, 1, 30],
    [500, 32, 400],
    [5_000, 16, 60],
    [50_000, 4, 10],
  ] as const) {
    for (const fsync of [1, 0] as const) {
      const url = `${serverUrl}/inserts_${size}_${inFlight}_${fsync}`;
      const client = createClickHouseClient(url, inFlight);
      await new Migrator(client, url).migrate();
      for (const name of ['events', 'user_properties']) {
        await client.command({
          query: `ALTER TABLE ${name} MODIFY SETTING fsync_after_insert = ${fsync}, fsync_part_directory = ${fsync}`,
        });
      }
      const encoder = new EventRowEncoder();
      for (let i = 0; i < size; i++) encoder.append(eventRow(i));
      const bytes = encoder.take();
      const writer = new EventWriter(client);
      const latencies: number[] = [];
      let left: number = batches;
      const worker = async (): Promise<void> => {
        while (left-- > 0) latencies.push(await elapsed(() => writer.store({ id: randomUUID(), rows: bytes })));
      };
      const ms = await elapsed(() => Promise.all(Array.from({ length: inFlight }, worker)));
      latencies.sort((a, b) => a - b);
      const perSecond = Math.round((batches * size * 1000) / ms).toLocaleString('en');
      rows.push([
        size,
        inFlight,
        fsync ? 'yes' : 'no',
        perSecond,
        (latencies[latencies.length >> 1] ?? NaN).toFixed(0),
      ]);
      await client.close();
    }
  }
  return {
    title: 'Inserts through EventWriter',
    header: ['rows a batch', 'in flight', 'fsync', 'rows/s', 'p50 ms'],
    rows,
  };
}

/** @returns a sentence */
export async function measureEncoder(): Promise<string> {
  const events = Array.from({ length: 500 }, (_, i) => eventRow(i));
  const encoder = new EventRowEncoder();
  let bytes = 0;
  const round = (): Promise<void> => {
    for (let i = 0; i < 200; i++) {
      for (const event of events) encoder.append(event);
      bytes = encoder.take().length;
    }
    return Promise.resolve();
  };
  await round();
  const ms = Math.min(await elapsed(round), await elapsed(round), await elapsed(round));
  return `EventRowEncoder: ${((ms * 1e6) / 100_000).toFixed(0)} ns for an event of ${Math.round(bytes / 500)} bytes`;
}
