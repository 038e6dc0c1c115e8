import type { ClickHouseClient } from '@clickhouse/client';
import { TestClickHouseCluster } from '../../test/support/clickhouse.cluster.js';
import { storeRows } from '../../test/support/stored-rows.js';
import { uuid7, uuid7Bytes } from '../common/uuid7.js';
import { createClickHouseClient, WarehouseCluster } from './clickhouse.client.js';
import { ComplianceStore, encodeComplianceOrder } from './compliance.store.js';
import { encodeErrorRow, ErrorWriter } from './error.writer.js';
import { EventRowEncoder } from './event-row.encoder.js';
import { EventWriter } from './event.writer.js';
import { LagStore } from './lag.store.js';
import { Migrator } from './migrator.js';
import { countUsersMeeting } from './queries/users-meeting.query.js';
import { eventCount, latestProperty, sequence, userProperty } from './queries/segment-conditions.js';
import { ingestionLag } from './queries/ingestion-lag.query.js';
import { recentErrors } from './queries/recent-errors.query.js';
import { tenantStats } from './queries/tenant-stats.query.js';
import { userProperties } from './queries/user-properties.query.js';
import { Redactor } from './redactor.js';
import { Warehouse } from './warehouse.js';

const HOUR_MS = 3_600_000;
const NOW = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
const USERS = Array.from({ length: 40 }, (_, number) => `user-${number}`);

describe('A warehouse of two shards', () => {
  let servers: TestClickHouseCluster;
  let cluster: WarehouseCluster;
  let client: ClickHouseClient;
  let tenant: string;
  let tenants = 0;
  let clock = NOW * 1000;

  beforeAll(async () => {
    servers = await TestClickHouseCluster.start();
    cluster = new WarehouseCluster(servers.name, 'segops');
    client = createClickHouseClient(servers.url, 16, cluster);
    await Promise.all(Array.from({ length: 3 }, () => new Migrator(client, servers.url).migrate()));
  });
  beforeEach(() => {
    tenant = `tenant-${++tenants}`;
  });
  afterAll(async () => {
    await client.close();
    await servers.stop();
  });

  interface Sample {
    readonly userId: string;
    readonly eventType?: string;
    readonly eventId?: string;
    readonly payload?: string;
    readonly id?: Uint8Array;
  }
  const eventRow = ({ userId, eventType = 'page_viewed', eventId = '', payload = '{}', id = uuid7Bytes() }: Sample) => {
    const receivedAt = clock++;
    return {
      ...{ tenantId: tenant, id, eventType, userId, anonymousId: '', eventId },
      ...{ occurredAt: Math.floor(receivedAt / 1000), receivedAt, payload: Buffer.from(payload) },
    };
  };
  const rowsOf = (samples: readonly Sample[]): Buffer => {
    const encoder = new EventRowEncoder();
    for (const sample of samples) encoder.append(eventRow(sample));
    return encoder.take();
  };
  const storeFlagged = (samples: readonly Sample[]) => storeRows(client, samples.map(eventRow), { mayHaveCopies: 1 });
  const store = (samples: readonly Sample[]) => new EventWriter(client).store({ id: uuid7(), rows: rowsOf(samples) });
  const count = async (table: string, on: ClickHouseClient = client): Promise<number> => {
    const result = await on.query({
      query: `SELECT count() AS n FROM ${table} WHERE tenant_id = {tenant: String}`,
      query_params: { tenant },
      format: 'JSONEachRow',
    });
    const [row] = await result.json<{ n: string }>();
    return Number(row?.n);
  };
  /** How many rows each shard has. */
  const onShards = async (table: string): Promise<number[]> =>
    Promise.all(
      servers.shards.map(async ({ url }) => {
        const shard = createClickHouseClient(`${url}/segops_local`, 1);
        try {
          return await count(table, shard);
        } finally {
          await shard.close();
        }
      }),
    );

  it('should be migrated once, and be there for whoever asks, whichever server answers', async () => {
    expect(await new Migrator(client, servers.url).migrate()).toEqual([]);
    for (let turn = 0; turn < 4; turn++) expect(await new Warehouse(client).ping(5_000)).toBe(true);
  });

  it('should divide events by user, and properties with them', async () => {
    await store(USERS.map((userId) => ({ userId, eventType: 'context_identified', payload: '{"plan":"pro"}' })));
    const events = await onShards('events');
    expect(events.every((rows) => rows > 5)).toBe(true);
    expect(await onShards('user_properties')).toEqual(events);
    expect(await count('events')).toBe(USERS.length);
    expect(await userProperties(client, tenant, 'user-7')).toBe('{"plan":"pro"}');
  });

  it('should store a batch once, through whichever servers it is sent again, together as well', async () => {
    const batch = { id: uuid7(), rows: rowsOf(USERS.map((userId) => ({ userId, eventType: 'context_identified' }))) };
    await Promise.all(Array.from({ length: 4 }, () => new EventWriter(client).store(batch)));
    for (let turn = 0; turn < 4; turn++) await new EventWriter(client).store(batch);
    expect(await count('events')).toBe(USERS.length);
    expect(await count('user_properties')).toBe(USERS.length);
  });

  it('should store the rest of a batch of which one shard has its part already', async () => {
    const batch = { id: uuid7(), rows: rowsOf(USERS.map((userId) => ({ userId }))) };
    const away = servers.shards[1]!.pid;
    process.kill(away, 'SIGSTOP');
    const hasty = createClickHouseClient(servers.shards[0]!.url + '/segops', 1, cluster);
    await expect(new EventWriter(hasty, 1_500).store(batch)).rejects.toThrow();
    process.kill(away, 'SIGCONT');
    await new EventWriter(client).store(batch);
    await hasty.close();
    expect(await count('events')).toBe(USERS.length);
  });

  it('should collapse what is sent again under the key of its caller, wherever it was stored first', async () => {
    const keyed = USERS.map((userId, number) => ({ userId, eventId: `key-${number}`, id: keyedId(number) }));
    await store(keyed);
    await store(keyed);
    expect(await count('events FINAL')).toBe(USERS.length);
    const { sql, params } = eventCount(tenant, { eventType: 'page_viewed', atLeast: 2 });
    expect(await countUsersMeeting(client, { sql, params })).toBe(0);
  });

  it('should count exactly, whatever is repeated', async () => {
    await store(USERS.flatMap((userId) => [{ userId }, { userId, eventType: 'order_placed' }]));
    const keyed = USERS.map((userId, number) => ({ userId, eventId: `key-${number}`, id: keyedId(number) }));
    await store(keyed);
    await store(keyed);
    // Delivered again, and its first copies do not know of it.
    const again = USERS.map((userId) => ({ userId, eventType: 'cart_viewed', id: uuid7Bytes() }));
    await store(again);
    await storeFlagged(again);
    const range = { bucket: 'hour', since: new Date(NOW), until: new Date(NOW + HOUR_MS) } as const;
    const stats = await tenantStats(client, tenant, range, { skip: 0, limit: 10 });
    expect(stats.uniqueUsers).toBe(USERS.length);
    expect(stats.users).toEqual([{ bucket: new Date(NOW), count: USERS.length }]);
    expect(stats.events).toEqual([{ bucket: new Date(NOW), count: 4 * USERS.length }]);
    expect(stats.types).toEqual([
      { eventType: 'page_viewed', count: 2 * USERS.length },
      { eventType: 'cart_viewed', count: USERS.length },
      { eventType: 'order_placed', count: USERS.length },
    ]);
    expect(stats.typeCount).toBe(3);
    expect(await count(`events_once(tenant = '${tenant}')`)).toBe(4 * USERS.length);
    expect(await countUsersMeeting(client, eventCount(tenant, { eventType: 'cart_viewed', atLeast: 2 }))).toBe(0);
  });

  it('should answer conditions about users of all shards', async () => {
    await store(USERS.map((userId) => ({ userId, payload: '{"page":"a"}' })));
    await store(USERS.slice(0, 30).map((userId) => ({ userId, eventType: 'order_placed' })));
    await store(
      USERS.slice(0, 20).map((userId) => ({ userId, eventType: 'context_identified', payload: '{"plan":"free"}' })),
    );
    await store(
      USERS.slice(0, 10).map((userId) => ({ userId, eventType: 'context_identified', payload: '{"plan":"pro"}' })),
    );
    const meeting = (condition: Parameters<typeof countUsersMeeting>[1]) => countUsersMeeting(client, condition);
    expect(await meeting(eventCount(tenant, { eventType: 'page_viewed', atLeast: 1 }))).toBe(40);
    expect(await meeting(sequence(tenant, { first: 'page_viewed', then: 'order_placed', withinDays: 1 }))).toBe(30);
    expect(await meeting(userProperty(tenant, { property: 'plan', value: 'pro' }))).toBe(10);
    expect(await meeting(userProperty(tenant, { property: 'plan', value: 'free' }))).toBe(10);
    expect(await meeting(latestProperty(tenant, { eventType: 'page_viewed', property: 'page', value: 'a' }))).toBe(40);
  });

  it('should keep recorded errors, in their order, and each batch of them once', async () => {
    const errors = USERS.map((userId, number) => ({
      ...{ tenantId: tenant, id: uuid7(), ts: NOW + number, errorType: 'validation_failed', source: 'track' },
      ...{ detail: 'bad', eventType: '', userId, requestId: '' },
    }));
    const batch = { id: uuid7(), rows: Buffer.from(errors.map(encodeErrorRow).join('')) };
    for (let turn = 0; turn < 3; turn++) await new ErrorWriter(client).store(batch);
    const recent = await recentErrors(client, tenant, 5);
    expect(recent.map(({ userId }) => userId)).toEqual(USERS.slice(-5).reverse());
    expect(await count('ingestion_errors')).toBe(USERS.length);
  });

  it('should tell the lag of events on all shards', async () => {
    for (const lagMs of [100, 200, 300]) await new LagStore(client).add([{ lagMs, events: 1 }]);
    expect(await ingestionLag(client)).toMatchObject({ p50Ms: 200 });
  });

  it('should remove a user from every shard and table', async () => {
    await store(USERS.flatMap((userId) => [{ userId }, { userId, eventType: 'context_identified' }]));
    const scope = { kind: 'users', userIds: USERS.slice(0, 30), orderIds: [] } as const;
    expect(await new Redactor(client).redact(tenant, scope)).toMatchObject({ events: 60, properties: 30 });
    expect(await count('events')).toBe(20);
    expect((await onShards('user_properties')).reduce((sum, rows) => sum + rows)).toBe(10);
  });

  it('should remove what came from a shop, and users who did nothing elsewhere, and put it on record once', async () => {
    await store(USERS.map((userId) => ({ userId, eventType: 'context_identified' })));
    await store(USERS.map((userId, number) => ({ userId, eventId: `shopify:${number}` })));
    await store(USERS.slice(0, 5).map((userId) => ({ userId })));
    const order = {
      tenantId: tenant,
      id: uuid7(),
      topic: 'shop/redact',
      receivedAt: NOW,
      scope: { kind: 'shop' },
    } as const;
    for (let turn = 0; turn < 2; turn++) {
      await new ComplianceStore(client).store({ id: order.id, rows: encodeComplianceOrder(order) });
    }
    expect(await count('events')).toBe(10);
    expect(await count('user_properties')).toBe(5);
    expect(await count('compliance_requests')).toBe(1);
  });
});

/** A UUID of version 8, as the ids of keyed events are. */
function keyedId(number: number): Uint8Array {
  const id = new Uint8Array(16).fill(number + 1);
  id[6] = 0x80 | (id[6]! & 0x0f);
  id[8] = 0x80 | (id[8]! & 0x3f);
  return id;
}
