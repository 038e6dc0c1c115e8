import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../test/support/servers.js';
import { uuid7Bytes } from '../common/uuid7.js';
import { createClickHouseClient } from './clickhouse.client.js';
import type { EventRow } from './event-row.js';
import { EventRowEncoder } from './event-row.encoder.js';
import { EventWriter } from './event.writer.js';
import { Migrator } from './migrator.js';

const bytes = (text: string): Buffer => Buffer.from(text);

const ROW: EventRow = {
  tenantId: 'acme',
  id: uuid7Bytes(),
  eventType: 'page_viewed',
  userId: 'u-1',
  anonymousId: '',
  eventId: '',
  occurredAt: 0,
  receivedAt: 1,
  payload: bytes('{}'),
};

describe('EventRowEncoder', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;

  beforeAll(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 4);
    await new Migrator(client, database.url).migrate();
  });

  afterAll(async () => {
    await client.close();
    await database.drop();
  });

  it('should write what ClickHouse reads back, value for value', async () => {
    const rows: EventRow[] = [
      { ...ROW, id: Uint8Array.from({ length: 16 }, (_, i) => i) },
      { ...ROW, userId: 'ünïcode 😀 \u0000 nul', anonymousId: 'ß'.repeat(64), eventId: '日本' },
      { ...ROW, eventType: 'a'.repeat(100), userId: 'u'.repeat(255), eventId: 'e'.repeat(128) },
      ...[24, 25, 63, 64, 127, 128, 16_383, 16_384, 70_000].flatMap((length) => [
        { ...ROW, payload: bytes('x'.repeat(length)) },
        { ...ROW, payload: bytes('é'.repeat(length)), userId: 'é'.repeat(length) },
      ]),
      { ...ROW, payload: bytes('é'.repeat(700_000)) },
      { ...ROW, occurredAt: -2_208_988_800_000, receivedAt: -1 },
      { ...ROW, occurredAt: 4_102_444_799_999, receivedAt: 4_102_444_799_999_999 },
      { ...ROW, payload: bytes('{"big":12345678901234567890123,"n":null,"e":1e3,"s":"\\u0000"}') },
    ].map((row, index) => ({ ...row, tenantId: `t${index}`, id: index === 0 ? row.id : uuid7Bytes() }));
    const encoder = new EventRowEncoder();
    for (const row of rows) encoder.append(row);
    const encoded = encoder.take();
    await new EventWriter(client).store({ id: 'round-trip', rows: encoded });

    expect(await storedRows()).toEqual(
      rows.map(({ id, payload, ...row }) => ({
        ...row,
        id: Buffer.from(id).toString('hex'),
        payload: Buffer.from(payload).toString(),
      })),
    );
  });

  it('should start empty after take, whatever came before', () => {
    const encoder = new EventRowEncoder();
    encoder.append({ ...ROW, payload: bytes('x'.repeat(5_000_000)) });
    encoder.take();
    encoder.append(ROW);
    const first = encoder.take();
    encoder.append({ ...ROW, userId: 'u-2' });

    expect(encoder.take()).toHaveLength(first.length);
    expect(first.includes('u-1')).toBe(true);
    expect(encoder.take()).toHaveLength(0);
  });

  it('should drop what was appended when it is cleared', () => {
    const encoder = new EventRowEncoder();
    encoder.append({ ...ROW, userId: 'u-2' });
    encoder.clear();
    encoder.append(ROW);

    expect(encoder.take().includes('u-2')).toBe(false);
  });

  it('should replace lone surrogates, which UTF-8 cannot carry', () => {
    const encoder = new EventRowEncoder();
    encoder.append({ ...ROW, userId: 'a\ud800b' });

    expect(encoder.take().includes('a\ufffdb')).toBe(true);
  });

  async function storedRows(): Promise<unknown[]> {
    const result = await client.query({
      query: `
        SELECT tenant_id AS tenantId, lower(hex(id)) AS id, event_type AS eventType, user_id AS userId,
          anonymous_id AS anonymousId, event_id AS eventId, toFloat64(toUnixTimestamp64Milli(occurred_at)) AS occurredAt,
          toFloat64(toUnixTimestamp64Micro(received_at)) AS receivedAt, payload
        FROM events ORDER BY toUInt32(substring(tenant_id, 2))`,
      format: 'JSONEachRow',
    });
    return result.json();
  }
});
