import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { uuid7Bytes } from '../../src/common/uuid7.js';
import { createClickHouseClient } from '../../src/warehouse/clickhouse.client.js';
import { EVENT_COLUMNS, EventRowEncoder } from '../../src/warehouse/event-row.encoder.js';
import { Migrator } from '../../src/warehouse/migrator.js';
import { replaceIds } from '../../src/warehouse/event-row.reader.js';
import { eventOf } from '../load/event.bodies.js';

const ROWS_AN_INSERT = 50_000;
/** While ClickHouse reads one insert, the client writes the next. */
const IN_FLIGHT = 2;
const DATABASE = 'baseline';

/**
 * The limit of any service before this ClickHouse: the rows of the load's events, encoded beforehand as RowBinary, in inserts of
 * 50,000, straight into tables that are the service's own but empty, which are removed afterwards.
 * @returns rows a second, from the first to the last commit
 */
export async function insertStraight(clickhouseUrl: string, events: number): Promise<number> {
  const url = `${clickhouseUrl}/${DATABASE}`;
  const migrating = createClickHouseClient(url, 1);
  await new Migrator(migrating, url).migrate();
  await migrating.close();
  const client = createClient({
    url,
    max_open_connections: IN_FLIGHT,
    request_timeout: 120_000,
    // It warns that long requests may be cut off by load balancers; there are none here.
    log: { level: ClickHouseLogLevel.OFF },
  });
  try {
    const inserts = Math.ceil(events / ROWS_AN_INSERT);
    const blocks = Array.from({ length: IN_FLIGHT }, () => encodedRows(ROWS_AN_INSERT));
    let next = 0;
    const startedAt = performance.now();
    await Promise.all(
      blocks.map(async (rows) => {
        while (next++ < inserts) {
          // Only ids change from one insert to the next.
          replaceIds(rows, () => uuid7Bytes());
          await insert(client, rows);
        }
      }),
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    await client.command({ query: `DROP DATABASE ${DATABASE} SYNC` });
    return (inserts * ROWS_AN_INSERT) / seconds;
  } finally {
    await client.close();
  }
}

async function insert(client: ClickHouseClient, rows: Buffer): Promise<void> {
  const { stream } = await client.exec({
    query: `INSERT INTO events (${EVENT_COLUMNS.join(', ')}) FORMAT RowBinary`,
    values: Readable.from(rows),
  });
  await finished(stream.resume());
}

function encodedRows(count: number): Buffer {
  const encoder = new EventRowEncoder();
  for (let n = 0; n < count; n++) {
    const { user_id, event_type, occurred_at, payload } = eventOf(n);
    const occurredAt = Date.parse(occurred_at);
    encoder.append({
      tenantId: 'acme',
      id: uuid7Bytes(),
      eventType: event_type,
      userId: user_id,
      anonymousId: '',
      eventId: '',
      occurredAt,
      receivedAt: occurredAt * 1000,
      payload: Buffer.from(JSON.stringify(payload)),
    });
  }
  return encoder.take();
}
