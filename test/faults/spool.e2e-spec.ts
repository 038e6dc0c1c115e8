import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import type { LoggerService } from '@nestjs/common';
import request from 'supertest';
import { runCli } from '../../src/cli/run-cli.js';
import { uuid7 } from '../../src/common/uuid7.js';
import { MetricsServer } from '../../src/metrics/metrics.server.js';
import { ShopifyAccounts } from '../../src/shopify/settings/shopify-accounts.service.js';
import { Tenants } from '../../src/tenants/tenants.service.js';
import { Users } from '../../src/tenants/users.service.js';
import { EventTransport } from '../../src/transport/event-transport.js';
import { createClickHouseClient } from '../../src/warehouse/clickhouse.client.js';
import { EventWriter } from '../../src/warehouse/event.writer.js';
import { freshClickHouseDatabase, freshRedisPrefix, sharedRedisUrl } from '../support/servers.js';
import { seedKey, type ServiceProcess, startProcess } from '../support/service.process.js';
import { type FreshControlPlane, freshControlPlane } from '../support/control-plane.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';
import { deliver, webhookFixture } from '../support/shopify.js';
import { waitUntil } from '../support/wait-until.js';

const TRACK = '/api/ingestion/track/';
const BATCH = '/api/ingestion/track/batch/';
const WITHOUT_REDIS = { TRANSPORT: 'spool', REDIS_URL: '' };
const event = { user_id: 'u1', event_type: 'page_viewed' };
const batchOf = (n: number) => ({ events: Array.from({ length: n }, (_, i) => ({ ...event, user_id: `u${i}` })) });

describe('a service without Redis', () => {
  let service: TestService;
  let tenant: TestTenant;
  /** What it warned of. */
  const log: string[] = [];

  beforeAll(async () => {
    const note = (...words: unknown[]) => void log.push(words.map(String).join(' '));
    const logger: LoggerService = { log: () => undefined, warn: note, error: note, fatal: note };
    service = await startService(
      { ...WITHOUT_REDIS, HOST: '127.0.0.1', METRICS_PORT: '0', TRUSTED_PROXIES: '127.0.0.1' },
      { logger },
    );
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    await service.stop();
    expect(log.filter((line) => /redis|ECONNREFUSED/i.test(line))).toEqual([]);
  });

  const read = async (path: string) => {
    const response = await request(service.url).get(path).set('authorization', `ApiKey ${tenant.key}`).expect(200);
    return response.body as Record<string, unknown>;
  };
  /** Rows, repeats included, and their users. */
  const stored = async () => {
    const result = await service.clickhouse.query({
      query: `SELECT count() AS rows, arraySort(groupUniqArray(user_id)) AS users FROM events
        WHERE tenant_id = {tenantId: String}`,
      query_params: { tenantId: tenant.tenantId },
      format: 'JSONEachRow',
    });
    const [found] = await result.json<{ rows: string; users: string[] }>();
    return { rows: Number(found!.rows), users: found!.users };
  };
  const untilIdle = () =>
    waitUntil(async () => (await service.app.get(EventTransport).status()).pending === 0, { timeoutMs: 20_000 });
  const failures = async () => {
    const port = String(service.app.get(MetricsServer).port);
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return [...text.matchAll(/^segops_limiter_failures_total{limiter="\w+"} (\d+)$/gm)].map(([, n]) => Number(n));
  };

  it('should store an event as it was sent, once', async () => {
    const payload = '{"order_id":820982911946154508,"total":59.90}';
    const body = `{"user_id":"u1","event_type":"order_placed","payload":${payload}}`;
    const answer = await tenant.post(TRACK, Buffer.from(body)).expect(202, { queued: true });
    expect(answer.headers['x-request-id']).toBeDefined();
    const [found] = await tenant.storedEvents(1);
    expect(found).toMatchObject({ user_id: 'u1', event_type: 'order_placed', payload });
    await untilIdle();
    expect((await stored()).rows).toBe(1);
  });

  it('should store the good events of a batch, and record the bad one', async () => {
    const events = [...batchOf(3).events, { ...event, user_id: '' }];
    const { body } = (await tenant.post(BATCH, { events }).expect(202)) as { body: object };
    expect(body).toMatchObject({ queued: 3, skipped: 1, errors: [{ index: 3, field: 'user_id' }] });
    expect(await tenant.storedEvents(3)).toHaveLength(3);
    await waitUntil(async () => ((await read('/api/ingestion/errors/'))['errors'] as object[]).length === 1);
  });

  it('should store an event once that is sent twice with its event_id', async () => {
    for (let i = 0; i < 2; i++) await tenant.post(TRACK, { ...event, event_id: 'order-1' }).expect(202);
    await tenant.post(TRACK, { ...event, user_id: 'last' }).expect(202);
    await untilIdle();
    expect((await tenant.storedEvents(2)).map(({ user_id }) => user_id)).toEqual(['u1', 'last']);
  });

  it('should store many requests at once, each event once', async () => {
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => tenant.post(TRACK, { ...event, user_id: `u${i}` }).expect(202)),
    );
    await untilIdle();
    const { rows, users } = await stored();
    expect([rows, users.length]).toEqual([50, 50]);
  });

  it('should tell in the stats what is stored and what waits', async () => {
    await tenant.post(BATCH, batchOf(4)).expect(202);
    await tenant.storedEvents(4);
    await untilIdle();
    expect(await read('/api/ingestion/stats/?window=24h')).toMatchObject({
      total_events: 4,
      unique_users: 4,
      queue: { waiting_batches: 0, oldest_batch_age_ms: 0 },
    });
  });

  it('should store a webhook of Shopify once that is delivered twice', async () => {
    const secret = 'hush-hush-9b1c';
    await service.app.get(ShopifyAccounts).change(tenant.tenantId, { secrets: [secret] });
    const delivery = {
      topic: 'orders/create',
      body: webhookFixture('orders/create'),
      secret,
      headers: { 'x-shopify-webhook-id': uuid7() },
    };
    for (let i = 0; i < 2; i++) expect((await deliver(service.url, tenant.tenantId, delivery)).status).toBe(202);
    await untilIdle();
    expect(await tenant.storedEvents(1)).toHaveLength(1);
  });

  it('should keep what ClickHouse refuses as a dead letter, and store it once when it is replayed', async () => {
    const sql = (query: string) => service.clickhouse.command({ query });
    await sql("ALTER TABLE events ADD CONSTRAINT no_poison CHECK NOT startsWith(user_id, 'poison')");
    try {
      await tenant.post(BATCH, { events: [event, { ...event, user_id: 'poison' }] }).expect(202);
      await untilIdle();
      expect(await stored()).toEqual({ rows: 1, users: ['u1'] });
    } finally {
      await sql('ALTER TABLE events DROP CONSTRAINT no_poison');
    }
    const [letter] = (await read('/api/ingestion/errors/'))['errors'] as Record<string, string>[];
    expect(letter).toMatchObject({ error_type: 'dead_letter', user_id: 'poison' });
    const replay = () =>
      request(service.url)
        .post(`/api/ingestion/errors/${letter!['id']!}/replay/`)
        .set('authorization', `Bearer ${tenant.userToken}`);
    await replay().expect(202, { queued: true });
    await untilIdle();
    expect(await stored()).toEqual({ rows: 2, users: ['poison', 'u1'] });
    await replay().expect(404);
  });

  it('should count the calls of a minute, exactly, and say what is left', async () => {
    await service.app.get(Tenants).setPlan(tenant.tenantId, { plan: 'free', callsPerMinute: 10, eventsPerMonth: null });
    const first = await tenant.post(TRACK, event).expect(202);
    expect(first.headers).toMatchObject({ 'ratelimit-limit': '10', 'ratelimit-remaining': '9' });
    const answers = await Promise.all(Array.from({ length: 30 }, () => tenant.post(TRACK, event)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(9);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(refused.headers['retry-after']).toBe(refused.headers['ratelimit-reset']);
    expect(refused.body).toEqual({ detail: expect.stringMatching(/^The plan free allows 10 calls a minute\./) });
    expect(await failures()).toEqual([0, 0, 0]);
  });

  it('should go on with the same minute when the plan changes', async () => {
    const allow = (callsPerMinute: number) =>
      service.app.get(Tenants).setPlan(tenant.tenantId, { plan: 'free', callsPerMinute, eventsPerMonth: null });
    await allow(2);
    for (const status of [202, 202, 429]) await tenant.post(TRACK, event).expect(status);
    await allow(5);
    const answer = await tenant.post(TRACK, event).expect(202);
    // Who has no call left is refused without being counted.
    expect(answer.headers['ratelimit-remaining']).toBe('2');
  });

  it('should count the events of a month, all of a request or none', async () => {
    await service.app.get(Tenants).setPlan(tenant.tenantId, { plan: 'free', callsPerMinute: 100, eventsPerMonth: 10 });
    await tenant.post(BATCH, batchOf(7)).expect(202);
    const refused = await tenant.post(BATCH, batchOf(4)).expect(429);
    expect(refused.headers).toMatchObject({ 'ratelimit-limit': '10', 'ratelimit-remaining': '3' });
    await tenant.post(BATCH, batchOf(3)).expect(202);
    await tenant.post(TRACK, event).expect(429);
    expect(await failures()).toEqual([0, 0, 0]);
  });

  it('should stop who guesses passwords, and nobody else', async () => {
    const email = 'zoe@acme.example';
    await service.app.get(Users).create({ tenantId: tenant.tenantId, email, password: 'correct horse' });
    const logIn = async (address: string, password: string) => {
      const answer = await request(service.url)
        .post('/api/auth/token/')
        .set('x-forwarded-for', address)
        .send({ email, password });
      return answer.status;
    };
    for (let i = 0; i < 5; i++) expect(await logIn('198.18.0.1', 'wrong horse')).toBe(401);
    expect(await logIn('198.18.0.1', 'correct horse')).toBe(429);
    expect(await logIn('198.18.0.2', 'correct horse')).toBe(200);
    expect(await failures()).toEqual([0, 0, 0]);
  });
});

describe('the health of a service without Redis', () => {
  let service: TestService;

  afterEach(async () => {
    await service.stop();
  });

  const health = async () => (await request(service.url).get('/api/ingestion/health/')).body as object;

  it('should be ok, and stalled while the worker takes and never finishes', async () => {
    service = await startService(WITHOUT_REDIS);
    await waitUntil(async () => JSON.stringify(await health()).includes('"worker":"ok"'));
    expect(await health()).toEqual({ pubsub_topic: 'ok', worker: 'ok', clickhouse: 'ok' });

    let goOn: () => void = () => undefined;
    const hanging = new Promise<void>((resolve) => (goOn = resolve));
    jest.spyOn(service.app.get(EventWriter), 'store').mockImplementation(() => hanging);
    const elevenSecondsAgo = Date.now() - 11_000;
    const transport = service.app.get(EventTransport);
    await transport.publish({ id: uuid7(elevenSecondsAgo), type: 'events.v1', events: 1, rows: Buffer.alloc(1) });
    await waitUntil(async () => JSON.stringify(await health()).includes('"worker":"stalled"'));
    expect(await health()).toMatchObject({ pubsub_topic: 'ok', worker: 'stalled' });
    goOn();
    await waitUntil(async () => JSON.stringify(await health()).includes('"worker":"ok"'));
  });

  it('should not hide that there is no room: requests are answered 503, and 202 again when there is', async () => {
    // One page: room for one batch.
    service = await startService({ ...WITHOUT_REDIS, SPOOL_MAX_BYTES: '4096' });
    let goOn: () => void = () => undefined;
    const hanging = new Promise<void>((resolve) => (goOn = resolve));
    jest.spyOn(service.app.get(EventWriter), 'store').mockImplementation(() => hanging);
    const tenant = await service.createTenant();
    await tenant.post(TRACK, event).expect(202);
    const refused = await tenant.post(TRACK, event).expect(503);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    await waitUntil(async () => JSON.stringify(await health()).includes('"pubsub_topic":"full"'));
    goOn();
    await waitUntil(async () => (await tenant.post(TRACK, event)).status === 202);
    await waitUntil(async () => JSON.stringify(await health()).includes('"pubsub_topic":"ok"'));
  });
});

/** The built service in a process of its own. */
describe('a process without Redis', () => {
  let dataDir: string;
  let database: { url: string; drop(): Promise<void> };
  let clickhouse: ClickHouseClient;
  let controlPlane: FreshControlPlane;
  let environment: Record<string, string>;
  let service: ServiceProcess | undefined;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-spool-'));
    controlPlane = await freshControlPlane(dataDir);
    database = await freshClickHouseDatabase();
    clickhouse = createClickHouseClient(database.url, 4);
    environment = {
      ...controlPlane.environment,
      TRANSPORT: 'spool',
      DATA_DIR: dataDir,
      CLICKHOUSE_URL: database.url,
      LOG_LEVEL: 'warn',
    };
  });
  afterEach(async () => {
    await service?.stop();
    await clickhouse.close();
    await database.drop();
    await controlPlane.drop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const start = async (): Promise<ServiceProcess> => (service = await startProcess(environment));
  const send = async (key: string, body: object): Promise<number | undefined> => {
    const answer = await fetch(`${service!.url}${BATCH}`, {
      method: 'POST',
      headers: { authorization: `ApiKey ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).catch(() => undefined);
    await answer?.text();
    return answer?.status;
  };
  /** Rows, repeats included, and by whom. */
  const stored = async () => {
    const result = await clickhouse.query({
      query: 'SELECT count() AS rows, groupUniqArray(user_id) AS users FROM events',
      format: 'JSONEachRow',
    });
    const [found] = await result.json<{ rows: string; users: string[] }>();
    return { rows: Number(found!.rows), users: new Set(found!.users) };
  };
  const untilIdle = () =>
    waitUntil(
      async () => {
        const answer = await fetch(`${service!.url}/api/ingestion/stats/`, { headers: { authorization } });
        const { queue } = (await answer.json()) as { queue: { waiting_batches: number } | null };
        return queue?.waiting_batches === 0;
      },
      { timeoutMs: 30_000 },
    );
  let authorization: string;

  it('should store once each event that it accepted, however often it is killed under load', async () => {
    const key = await seedKey(environment);
    authorization = `ApiKey ${key}`;
    const accepted = new Set<string>();
    for (let life = 0; life < 3; life++) {
      await start();
      let n = 0;
      let stopped = false;
      const sendOn = async (): Promise<void> => {
        while (!stopped) {
          const request = `${life}-${n++}`;
          const events = Array.from({ length: 100 }, (_, k) => ({ ...event, user_id: `user-${request}-${k}` }));
          if ((await send(key, { events })) === 202) for (const { user_id } of events) accepted.add(user_id);
        }
      };
      const before = accepted.size;
      const senders = Array.from({ length: 4 }, sendOn);
      await waitUntil(() => accepted.size >= before + 1_000, { timeoutMs: 30_000, everyMs: 1 });
      stopped = true;
      // With requests on their way, and batches in the worker's hands.
      await service!.kill();
      await Promise.all(senders);
    }
    await start();
    await untilIdle();
    const { rows, users } = await stored();
    expect([...accepted].filter((user) => !users.has(user))).toEqual([]);
    // What was stored without an answer is there once as well.
    expect(rows).toBe(users.size);
    expect(await service!.stop()).toBe(0);
  });

  it('should hand on what waits in its spool when it is started with Redis', async () => {
    const key = await seedKey(environment);
    service = await startProcess({ ...environment, CLICKHOUSE_URL: 'http://127.0.0.1:1', LOG_LEVEL: 'silent' });
    expect(await send(key, batchOf(7))).toBe(202);
    await service.kill();

    const redis = { TRANSPORT: 'bullmq', REDIS_URL: sharedRedisUrl(), QUEUE_PREFIX: freshRedisPrefix() };
    service = await startProcess({ ...environment, ...redis });
    await waitUntil(
      () =>
        stored().then(
          ({ users }) => users.size === 7,
          () => false,
        ),
      { timeoutMs: 30_000 },
    );
  });

  it('should know after a restart how many events of the month are used up', async () => {
    const key = await seedKey(environment);
    const terminal = { env: environment, out: () => undefined, err: () => undefined };
    expect(await runCli(['plan', 'set', 'acme', 'enterprise', '--events-per-month', '10'], terminal)).toBe(0);
    await start();
    expect(await send(key, batchOf(7))).toBe(202);
    expect(await service!.stop()).toBe(0);
    await start();
    expect(await send(key, batchOf(4))).toBe(429);
    expect(await send(key, batchOf(3))).toBe(202);
  });
});
