import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../test/support/servers.js';
import { uuid7, uuid7Bytes } from '../common/uuid7.js';
import { createClickHouseClient } from './clickhouse.client.js';
import { Erasures, type Subject } from './erasures.js';
import { encodeErrorRow, ErrorWriter } from './error.writer.js';
import { EventRowEncoder } from './event-row.encoder.js';
import { EventRowReader } from './event-row.reader.js';
import { EventWriter } from './event.writer.js';
import { Migrator } from './migrator.js';

const REQUESTED_AT = Date.now();

interface Sample {
  readonly userId: string;
  readonly tenantId?: string;
  readonly eventId?: string;
  readonly payload?: string;
  /** Milliseconds after the request. */
  readonly at?: number;
}

describe('Erasures', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;
  let writer: EventWriter;

  beforeEach(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 8);
    await new Migrator(client, database.url).migrate();
    writer = new EventWriter(client);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await client.close();
    await database.drop();
  });

  const erase = (...subjects: Subject[]) =>
    new Erasures(client).add({ tenantId: 'acme', id: uuid7(), acceptedBefore: REQUESTED_AT, subjects });
  const batchOf = (samples: readonly Sample[]) => {
    const encoder = new EventRowEncoder();
    for (const { userId, tenantId = 'acme', eventId = '', payload = '{}', at = -1 } of samples) {
      const occurredAt = REQUESTED_AT + at;
      encoder.append({
        ...{ tenantId, userId, eventId, id: uuid7Bytes(), eventType: 'context_identified', anonymousId: '' },
        ...{ occurredAt, receivedAt: occurredAt * 1000, payload: Buffer.from(payload) },
      });
    }
    return { id: uuid7(), rows: encoder.take() };
  };
  const stored = async (table = 'events') => {
    const result = await client.query({
      query: `SELECT concat(tenant_id, ' ', user_id) AS entry FROM ${table} ORDER BY entry`,
      format: 'JSONEachRow',
    });
    return (await result.json<{ entry: string }>()).map(({ entry }) => entry);
  };

  it('should be kept by a writer that looked before there were any', async () => {
    await writer.store(batchOf([{ userId: 'zoe' }]));
    await erase('user zoe');
    await writer.store(batchOf([{ userId: 'zoe' }, { userId: 'other' }]));
    await writer.store(batchOf([{ userId: 'zoe' }]));
    await erase('user other');
    await writer.store(batchOf([{ userId: 'other' }, { userId: 'third' }]));
    // The first two were there already, which is another's to remove.
    expect(await stored()).toEqual(['acme other', 'acme third', 'acme zoe']);
    expect(await stored('user_properties')).toEqual(await stored());
  });

  it('should be about a user in whatever case, of the one tenant, and about what was accepted before', async () => {
    await erase('user ZOË@example.com');
    await writer.store(
      batchOf([
        { userId: 'zoë@example.com' },
        { userId: 'Zoë@Example.com', at: -3_600_000 },
        { userId: 'zoë@example.com', at: 0 },
        { userId: 'zoë@example.com', tenantId: 'shop' },
        { userId: 'zoe@example.com' },
      ]),
    );
    expect(await stored()).toEqual(['acme zoe@example.com', 'acme zoë@example.com', 'shop zoë@example.com']);
  });

  it('should be about an order of the shop, whether its id is a text or a number, and about all of a shop', async () => {
    const payload = (id: string) => `{"order_id": ${id},"total":5.0}`;
    const orders = () => [
      { userId: 'text', eventId: 'shopify:1', payload: payload('"820982911946154508"') },
      { userId: 'number', eventId: 'shopify:2', payload: payload('820982911946154508') },
      { userId: 'another', eventId: 'shopify:3', payload: payload('"820982911946154509"') },
      { userId: 'own', eventId: '3', payload: payload('"820982911946154508"') },
    ];
    await erase('order 820982911946154508');
    await writer.store(batchOf(orders()));
    expect(await stored()).toEqual(['acme another', 'acme own']);
    await erase('shop');
    await writer.store(batchOf(orders()));
    expect(await stored()).toEqual(['acme another', 'acme own', 'acme own']);
  });

  it('should be about recorded errors, too', async () => {
    await erase('user zoe');
    const line = (tenantId: string, userId: string, at: number, errorType = 'validation_failed') =>
      encodeErrorRow({
        ...{ tenantId, userId, ts: REQUESTED_AT + at, id: uuid7(), errorType, source: 'track' },
        ...{ detail: '', eventType: '', requestId: '' },
      });
    const lines = [
      line('acme', 'Zoe', -1),
      line('acme', 'other', -1),
      line('shop', 'zoe', -1),
      line('acme', 'zoe', 1_000),
    ];
    await new ErrorWriter(client).store({ id: uuid7(), rows: Buffer.from(lines.join('')) });
    expect(await stored('ingestion_errors')).toEqual(['acme other', 'acme zoe', 'shop zoe']);
  });

  it('should be about the dead letters of events that were accepted before, whenever these are told of', async () => {
    const dead = (userId: string, acceptedAt: number) =>
      encodeErrorRow({
        ...{ tenantId: 'acme', userId, id: uuid7(acceptedAt), ts: REQUESTED_AT + 60_000, errorType: 'dead_letter' },
        ...{ source: 'worker', detail: '', eventType: '', requestId: '' },
      });
    await erase('user zoe', 'user ann');
    const rows = Buffer.from(dead('zoe', REQUESTED_AT - 1_000) + dead('ann', REQUESTED_AT + 1_000));
    await new ErrorWriter(client).store({ id: uuid7(), rows });
    expect(await stored('ingestion_errors')).toEqual(['acme ann']);
  });

  it('should cost no row that came in after them a look at what it holds', async () => {
    const skips = jest.spyOn(EventRowReader.prototype, 'skipStrings');
    const reads = jest.spyOn(EventRowReader.prototype, 'readString');
    await writer.store(batchOf([{ userId: 'zoe' }]));
    expect([skips.mock.calls.length, reads.mock.calls.length]).toEqual([0, 0]);
    await erase('user zoe');
    await writer.store(batchOf(Array.from({ length: 50 }, () => ({ userId: 'zoe', at: 1 }))));
    expect(reads).not.toHaveBeenCalled();
    expect(await stored()).toHaveLength(51);
  });

  it('should be added once, however often they are asked for', async () => {
    const erasure = { tenantId: 'acme', id: uuid7(), acceptedBefore: REQUESTED_AT, subjects: ['shop'] } as const;
    for (let turn = 0; turn < 3; turn++) await new Erasures(client).add(erasure);
    const result = await client.query({ query: 'SELECT toInt32(count()) AS n FROM erasures', format: 'JSONEachRow' });
    expect(await result.json()).toEqual([{ n: 1 }]);
  });

  it('should name nobody', async () => {
    await erase('user zoe@example.com', 'order 820982911946154508');
    const result = await client.query({ query: 'SELECT * FROM erasures', format: 'JSONEachRow' });
    expect(await result.text()).not.toMatch(/zoe|82098/);
  });
});
