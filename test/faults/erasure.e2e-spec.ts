import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import request from 'supertest';
import { uuid7, uuid7Bytes } from '../../src/common/uuid7.js';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { ShopifyAccounts } from '../../src/shopify/settings/shopify-accounts.service.js';
import { EventTransport } from '../../src/transport/event-transport.js';
import { Spool } from '../../src/transport/spool/spool.js';
import { createClickHouseClient } from '../../src/warehouse/clickhouse.client.js';
import { EventRowEncoder } from '../../src/warehouse/event-row.encoder.js';
import { ClickHouseProxy } from '../support/clickhouse.proxy.js';
import { freshClickHouseDatabase, type FreshDatabase, freshRedisPrefix } from '../support/servers.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';
import { deliver } from '../support/shopify.js';
import { waitUntil } from '../support/wait-until.js';

const SECRET = 'hush-hush-9b1c';
const SHOP = 'north-pine.myshopify.com';
const PEOPLE = Array.from({ length: 10 }, (_, number) => `Person-${number}@example.com`);
const BYSTANDER = 'bystander@example.com';
const WITHIN = { timeoutMs: 60_000 };

describe('What was accepted before an erasure was asked for', () => {
  let database: FreshDatabase;
  let clickhouse: ClickHouseClient;
  let environment: Record<string, string>;
  let service: TestService;
  let tenant: TestTenant;
  const ends: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    database = await freshClickHouseDatabase();
    clickhouse = createClickHouseClient(database.url, 4);
    environment = { CLICKHOUSE_URL: database.url, QUEUE_PREFIX: freshRedisPrefix() };
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await clickhouse.close();
    await database.drop();
  });

  const start = async (settings: Record<string, string> = {}): Promise<TestService> => {
    const started = await startService({ ...environment, ...settings });
    ends.push(() => started.stop());
    return started;
  };
  const startProxy = async (): Promise<ClickHouseProxy> => {
    const proxy = await ClickHouseProxy.start(database.url);
    ends.push(() => proxy.stop());
    environment = { ...environment, CLICKHOUSE_URL: proxy.url };
    return proxy;
  };
  /** Its API, whose tenant the tests are about. */
  const startApi = async (settings: Record<string, string> = {}): Promise<void> => {
    service = await start(settings);
    tenant = await service.createTenant();
    await service.app.get(ShopifyAccounts).change(tenant.tenantId, { secrets: [SECRET], shopDomain: SHOP });
  };

  const track = (userId: string, eventType = 'page_viewed') =>
    tenant.post('/api/ingestion/track/', { user_id: userId, event_type: eventType }).expect(202);
  const identify = (people: readonly string[], payload: object = {}) =>
    tenant
      .post('/api/ingestion/track/batch/', {
        events: people.map((email) => ({
          user_id: email,
          event_type: 'context_identified',
          payload: { email, ...payload },
        })),
      })
      .expect(202);
  const webhook = async (topic: string, body: object, url = service.url) =>
    deliver(url, tenant.tenantId, { topic, body: Buffer.from(JSON.stringify(body)), secret: SECRET });
  const redact = async (people: readonly string[] = PEOPLE) => {
    const answers = await Promise.all(
      people.map((email, id) => webhook('customers/redact', { shop_domain: SHOP, customer: { id: id + 1, email } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(people.map(() => 202));
  };

  const usersIn = async (table: string): Promise<string[]> => {
    const result = await clickhouse.query({
      query: `SELECT user_id FROM ${table} WHERE tenant_id = {tenantId: String} ORDER BY user_id`,
      query_params: { tenantId: tenant.tenantId },
      format: 'JSONEachRow',
    });
    return (await result.json<{ user_id: string }>()).map(({ user_id }) => user_id);
  };
  const countIn = async (table: string): Promise<number> => {
    const result = await clickhouse.query({ query: `SELECT count() AS n FROM ${table}`, format: 'JSONEachRow' });
    return Number((await result.json<{ n: string }>())[0]!.n);
  };
  const untilOnRecord = (requests = PEOPLE.length) =>
    waitUntil(async () => (await countIn('compliance_requests')) === requests, WITHIN);
  const untilIdle = () => waitUntil(async () => (await service.app.get(EventTransport).status()).pending === 0, WITHIN);
  const expectLeft = async (users: readonly string[]) => {
    expect({ events: await usersIn('events'), properties: await usersIn('user_properties') }).toEqual({
      events: users,
      properties: users,
    });
  };

  /** Events that were accepted an hour ago and come now: out of the spool of a machine that was away, say. */
  const publishLate = async (people: readonly string[]): Promise<void> => {
    const encoder = new EventRowEncoder();
    const occurredAt = Date.now() - 3_600_000;
    for (const userId of people) {
      encoder.append({
        ...{ tenantId: tenant.tenantId, id: uuid7Bytes(), eventType: 'context_identified', userId, anonymousId: '' },
        ...{ eventId: '', occurredAt, receivedAt: occurredAt * 1000, payload: Buffer.from('{}') },
      });
    }
    await service.app
      .get(EventTransport)
      .publish({ id: uuid7(), type: 'events.v1', events: people.length, rows: encoder.take() });
  };

  it('should not be stored out of the queue, in which it waited with the request while no worker ran', async () => {
    await startApi({ ROLE: 'api' });
    await identify([...PEOPLE, BYSTANDER]);
    await redact();
    await start({ ROLE: 'worker' });
    await untilOnRecord();
    await untilIdle();
    await expectLeft([BYSTANDER]);
  });

  it('should not be stored by inserts that were on their way to ClickHouse', async () => {
    const proxy = await startProxy();
    await startApi();
    proxy.hold('before');
    await Promise.all(PEOPLE.map((email) => identify([email])));
    await identify([BYSTANDER]);
    await waitUntil(() => proxy.holds > 0);
    await redact();
    await waitUntil(async () => (await countIn('erasures')) === PEOPLE.length, WITHIN);
    proxy.release();
    await untilOnRecord();
    await untilIdle();
    await expectLeft([BYSTANDER]);
  });

  it('should be removed after an insert that ClickHouse was in the middle of, and be on record after that', async () => {
    const proxy = await startProxy();
    await startApi();
    proxy.hold('within');
    await identify([...PEOPLE, BYSTANDER], { about: 'x'.repeat(60_000) });
    await waitUntil(() => proxy.holds > 0);
    await redact();
    await waitUntil(async () => (await countIn('erasures')) === PEOPLE.length, WITHIN);
    expect(await countIn('compliance_requests')).toBe(0);
    proxy.release();
    await untilOnRecord();
    await expectLeft([BYSTANDER]);
  });

  it('should not be stored by a worker that has not heard of the request', async () => {
    const proxy = await startProxy();
    await startApi();
    await identify([BYSTANDER]);
    await tenant.storedEvents(1);
    const other = await start({ ROLE: 'worker', CLICKHOUSE_URL: database.url });
    await other.app.get(EventTransport).status();
    proxy.hold('before');
    await Promise.all(PEOPLE.map((email) => identify([email])));
    await redact();
    await waitUntil(async () => (await countIn('erasures')) === PEOPLE.length, WITHIN);
    proxy.release();
    await untilOnRecord();
    await untilIdle();
    await expectLeft([BYSTANDER]);
  });

  it('should not be stored out of the spool, which took it and the request while Redis was away', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-erasure-'));
    ends.push(() => rm(dataDir, { recursive: true, force: true }));
    let redis = await RedisServer.start({ dataDir });
    ends.push(() => redis.stop());
    await startApi({ REDIS_URL: redis.url, TRANSPORT: 'bullmq' });
    await redis.kill();
    await identify([...PEOPLE, BYSTANDER]);
    await redact();
    expect(service.app.get<Spool>(Spool).store.size).toBeGreaterThan(PEOPLE.length);
    redis = await RedisServer.start({ dataDir, port: redis.port });
    await untilOnRecord();
    await untilIdle();
    await expectLeft([BYSTANDER]);
  });

  it('should not be stored out of the spool that is the queue', async () => {
    const proxy = await startProxy();
    await startApi({ TRANSPORT: 'spool' });
    proxy.hold('before');
    await identify([...PEOPLE, BYSTANDER]);
    await redact();
    await waitUntil(async () => (await countIn('erasures')) === PEOPLE.length, WITHIN);
    proxy.release();
    await untilOnRecord();
    await untilIdle();
    await expectLeft([BYSTANDER]);
  });

  it('should be gone from the dead letters, and not be stored by a replay', async () => {
    await startApi();
    const { deadLetters } = service.app.get(EventTransport);
    const lettersOf = () => deadLetters.list({ tenantId: tenant.tenantId, limit: 1_000 });
    await clickhouse.command({
      query: `ALTER TABLE events ADD CONSTRAINT refused CHECK event_type != 'context_identified'`,
    });
    await identify([...PEOPLE, BYSTANDER]);
    await waitUntil(async () => (await lettersOf()).length === PEOPLE.length + 1, WITHIN);
    await redact();
    await untilOnRecord();
    await waitUntil(async () => (await lettersOf()).length === 1, WITHIN);

    await clickhouse.command({ query: 'ALTER TABLE events DROP CONSTRAINT refused' });
    for (const { id } of await lettersOf()) await deadLetters.replay(id);
    await untilIdle();
    await expectLeft([BYSTANDER]);
    expect(await usersIn('ingestion_errors')).toEqual([BYSTANDER]);
  });

  it('should not come back when it arrives after the record, while what was sent after the answer stays', async () => {
    await startApi();
    await identify([...PEOPLE, BYSTANDER]);
    await tenant.storedEvents(PEOPLE.length + 1);
    await redact();
    await identify([PEOPLE[0]!]);
    await untilOnRecord();
    await publishLate(PEOPLE.map((email) => email.toUpperCase()));
    await untilIdle();
    await expectLeft([PEOPLE[0]!, BYSTANDER]);
  });

  it('should leave a tenant’s own events alone when its shop is redacted, and take those of the queue', async () => {
    await startApi({ ROLE: 'api' });
    const order = { id: 7, email: PEOPLE[0] };
    expect((await webhook('orders/create', order)).status).toBe(202);
    await identify([PEOPLE[0]!, BYSTANDER]);
    expect((await webhook('shop/redact', { shop_domain: SHOP })).status).toBe(202);
    await start({ ROLE: 'worker' });
    await untilOnRecord(1);
    await untilIdle();
    await expectLeft([BYSTANDER]);
  });

  it('should stay where a tenant names no shop of its own, whichever shop is redacted, and say so', async () => {
    await startApi();
    await service.app.get(ShopifyAccounts).change(tenant.tenantId, { shopDomain: null });
    expect((await webhook('orders/create', { id: 7, email: PEOPLE[0] })).status).toBe(202);
    await track(BYSTANDER);
    await tenant.storedEvents(2);
    expect((await webhook('shop/redact', { shop_domain: 'foreign.myshopify.com' })).status).toBe(202);
    await untilOnRecord(1);
    expect(await usersIn('events')).toEqual([PEOPLE[0], BYSTANDER]);
    const errors = async () => {
      const call = request(service.url).get('/api/ingestion/errors/').set('authorization', `ApiKey ${tenant.key}`);
      return ((await call).body as { errors: { detail: string }[] }).errors;
    };
    await waitUntil(async () => (await errors()).length === 1);
    expect((await errors())[0]!.detail).toContain('shop_domain');
  });
});
