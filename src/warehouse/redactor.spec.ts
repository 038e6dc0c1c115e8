import type { ClickHouseClient } from '@clickhouse/client';
import { type FreshDatabase, freshClickHouseDatabase } from '../../test/support/servers.js';
import { uuid7, uuid7Bytes } from '../common/uuid7.js';
import { createClickHouseClient } from './clickhouse.client.js';
import { EventRowEncoder } from './event-row.encoder.js';
import { EventWriter } from './event.writer.js';
import { Migrator } from './migrator.js';
import { tenantStats } from './queries/tenant-stats.query.js';
import { Redactor } from './redactor.js';

interface Sample {
  tenantId?: string;
  userId: string;
  eventType?: string;
  eventId?: string;
  payload?: string;
}

describe('Redactor', () => {
  let database: FreshDatabase;
  let client: ClickHouseClient;
  let redactor: Redactor;
  let clock = 1_790_000_000_000_000;

  beforeEach(async () => {
    database = await freshClickHouseDatabase();
    client = createClickHouseClient(database.url, 4);
    redactor = new Redactor(client);
    await new Migrator(client, database.url).migrate();
  });
  afterEach(async () => {
    await client.close();
    await database.drop();
  });

  const store = async (...samples: Sample[]) => {
    const encoder = new EventRowEncoder();
    for (const { tenantId = 'acme', userId, eventType = 'page_viewed', eventId = '', payload = '{}' } of samples) {
      encoder.append({
        tenantId,
        id: uuid7Bytes(),
        eventType,
        userId,
        anonymousId: '',
        eventId,
        occurredAt: Math.floor(clock / 1000),
        receivedAt: clock++,
        payload: Buffer.from(payload),
      });
    }
    await new EventWriter(client).store({ id: uuid7(), rows: encoder.take() });
  };
  const recordError = (tenant_id: string, user_id: string, source: string) =>
    client.insert({
      table: 'ingestion_errors',
      values: [{ tenant_id, user_id, source, id: uuid7(), ts: Date.now(), error_type: 'validation_failed' }],
      format: 'JSONEachRow',
    });
  const left = async (table: string, column = 'user_id') => {
    const result = await client.query({
      query: `SELECT DISTINCT concat(tenant_id, ' ', ${column}) AS entry FROM ${table} ORDER BY entry`,
      format: 'JSONEachRow',
    });
    return (await result.json<{ entry: string }>()).map(({ entry }) => entry);
  };

  it('should remove all that is known of some users, and nothing else', async () => {
    const everyone = ['zoe@example.com', '7', 'other@example.com'];
    for (const tenantId of ['acme', 'shop']) {
      await store(
        ...everyone.flatMap((userId) => [
          { tenantId, userId },
          { tenantId, userId, eventType: 'context_identified' },
        ]),
      );
      for (const userId of everyone) await recordError(tenantId, userId, 'track');
    }
    const scope = { kind: 'users', userIds: ['zoe@example.com', '7', "x' OR 1=1 --"], orderIds: [] } as const;
    expect(await redactor.redact('acme', scope)).toEqual({ events: 4, properties: 2, errors: 2 });

    const kept = ['acme other@example.com', ...everyone.map((userId) => `shop ${userId}`).sort()];
    for (const table of ['events', 'user_properties', 'ingestion_errors']) {
      expect(await left(table)).toEqual(kept);
    }
    expect(await redactor.redact('acme', scope)).toEqual({ events: 0, properties: 0, errors: 0 });
  });

  it('should remove the orders named, though the shop has them under another address', async () => {
    const payload = '{"order_id":"820982911946154508"}';
    await store(
      { userId: 'old@example.com', eventId: 'shopify:1', payload },
      { userId: 'old@example.com', eventId: 'shopify:2', payload: '{"order_id":"7"}' },
      { userId: 'old@example.com', eventId: 'own-1', payload },
    );
    const scope = { kind: 'users', userIds: ['zoe@example.com'], orderIds: ['820982911946154508'] } as const;
    expect(await redactor.redact('acme', scope)).toMatchObject({ events: 1 });
    expect(await left('events', 'event_id')).toEqual(['acme own-1', 'acme shopify:2']);
  });

  it('should know a user’s address in whatever case it was typed, and an order whose id a schema made a number', async () => {
    await store(
      { userId: 'Zoë@Example.com', eventType: 'context_identified' },
      { userId: 'zoë@example.com' },
      { userId: 'ZOË@example.COM', eventType: 'checkout_started' },
      { userId: 'zoe@example.com' },
      { userId: 'old@example.com', eventId: 'shopify:1', payload: '{"order_id":820982911946154508}' },
    );
    await recordError('acme', 'zoë@EXAMPLE.com', 'track');
    const scope = { kind: 'users', userIds: ['zoË@example.com'], orderIds: ['820982911946154508'] } as const;
    expect(await redactor.redact('acme', scope)).toEqual({ events: 4, properties: 1, errors: 1 });
    expect(await left('events')).toEqual(['acme zoe@example.com']);
    expect(await redactor.redact('acme', { kind: 'users', userIds: [], orderIds: [] })).toMatchObject({ events: 0 });
  });

  it('should have rewritten the parts, not only hidden the rows', async () => {
    await store({ userId: 'zoe@example.com' }, { userId: 'other@example.com' });
    await redactor.redact('acme', { kind: 'users', userIds: ['zoe@example.com'], orderIds: [] });
    const result = await client.query({
      query: `SELECT sum(rows) AS rows, countIf(has_lightweight_delete) AS masked FROM system.parts
              WHERE database = currentDatabase() AND table = 'events' AND active`,
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual([{ rows: 1, masked: 0 }]);
  });

  it('should remove what came from a shop, and all of users who did nothing elsewhere', async () => {
    await store(
      { userId: 'only-shop', eventType: 'context_identified' },
      { userId: 'only-shop', eventId: 'shopify:1' },
      { userId: 'both', eventType: 'context_identified' },
      { userId: 'both', eventId: 'shopify:2' },
      { userId: 'both', eventId: 'own-1' },
      { userId: 'never-in-shop', eventType: 'context_identified' },
      { tenantId: 'shop', userId: 'only-shop', eventId: 'shopify:3' },
    );
    await recordError('acme', 'a', 'shopify');
    await recordError('acme', 'b', 'track');
    await recordError('acme', 'only-shop', 'worker');
    expect(await redactor.redact('acme', { kind: 'shop' })).toEqual({ events: 3, properties: 1, errors: 2 });
    expect(await left('events')).toEqual(['acme both', 'acme never-in-shop', 'shop only-shop']);
    expect(await left('events', 'event_id')).toEqual(['acme ', 'acme own-1', 'shop shopify:3']);
    expect(await left('user_properties')).toEqual(['acme both', 'acme never-in-shop']);
    expect(await left('ingestion_errors')).toEqual(['acme b']);
  });

  it('should remove a shop’s events last, as a server that restarts half-way looks again who is known from them', async () => {
    await store({ userId: 'zoe', eventId: 'shopify:1' }, { userId: 'zoe', eventType: 'context_identified' });
    await redactor.redact('acme', { kind: 'shop' });
    const result = await client.query({
      query: `SELECT position(command, 'GROUP BY user_id') > 0 AS looks FROM system.mutations
              WHERE database = currentDatabase() AND table = 'events' AND command LIKE '%DELETE%' ORDER BY mutation_id`,
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual([{ looks: 1 }, { looks: 0 }]);
    expect(await left('events')).toEqual([]);
  });

  it('should keep what was accepted later', async () => {
    await store({ userId: 'zoe', eventType: 'context_identified' });
    const before = Math.ceil(clock / 1000) + 1;
    clock = before * 1000;
    await store({ userId: 'zoe', eventType: 'context_identified' }, { userId: 'zoe' });
    expect(await redactor.redact('acme', { kind: 'users', userIds: ['zoe'], orderIds: [] }, before)).toEqual({
      events: 1,
      properties: 1,
      errors: 0,
    });
    expect(await left('events', 'event_type')).toEqual(['acme context_identified', 'acme page_viewed']);
    expect(await left('user_properties')).toEqual(['acme zoe']);
  });

  it('should leave no empty part, which would keep ClickHouse from merging its neighbours', async () => {
    for (const userId of ['a', 'zoe', 'b', 'zoe']) await store({ userId }, { userId, eventType: 'context_identified' });
    await redactor.redact('acme', { kind: 'users', userIds: ['zoe'], orderIds: [] });
    for (const table of ['events', 'user_properties']) {
      await client.command({
        query: `OPTIMIZE TABLE ${table} FINAL`,
        clickhouse_settings: { optimize_throw_if_noop: 1 },
      });
    }
    const result = await client.query({
      query: `SELECT toInt32(count()) AS parts, toInt32(sum(rows)) AS rows FROM system.parts
              WHERE database = currentDatabase() AND table = 'events' AND active`,
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual([{ parts: 1, rows: 4 }]);
  });

  it('should leave the figures of others as they are, at every moment in which parts are emptied and go', async () => {
    const others = Array.from({ length: 20 }, (_, user) => ({ tenantId: 'shop', userId: `u-${user}` }));
    const hour = 3_600_000;
    const until = new Date(Math.ceil(clock / 1000 / hour) * hour);
    const range = { bucket: 'hour', since: new Date(until.getTime() - 24 * hour), until } as const;
    const figures = async () => {
      const { events, uniqueUsers } = await tenantStats(client, 'shop', range, { skip: 0, limit: 10 });
      return [events.reduce((sum, { count }) => sum + count, 0), uniqueUsers];
    };
    await store(...others, { userId: 'zoe' });
    const seen: unknown[] = [];
    for (let turn = 0; turn < 5; turn++) {
      await store({ userId: 'zoe' });
      await store({ userId: 'zoe', eventType: 'context_identified' }, { tenantId: 'shop', userId: 'u-0' });
      const before = await figures();
      expect(before).toEqual([21 + turn, 20]);
      const ended = new AbortController();
      const redaction = redactor.redact('acme', { kind: 'users', userIds: ['zoe'], orderIds: [] }).finally(() => {
        ended.abort();
      });
      do {
        seen.push((await figures()).map((figure, place) => figure - before[place]!));
      } while (!ended.signal.aborted);
      await redaction;
    }
    expect(seen.length).toBeGreaterThan(5);
    expect(new Set(seen.map(String))).toEqual(new Set(['0,0']));
  });
});
