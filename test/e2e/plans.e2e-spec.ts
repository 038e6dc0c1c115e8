import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import request from 'supertest';
import { runCli } from '../../src/cli/run-cli.js';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { MetricsServer } from '../../src/metrics/metrics.server.js';
import { QuotaClock } from '../../src/plans/event-quota.js';
import type { Plan } from '../../src/tenants/tenant.js';
import { ApiKeys } from '../../src/tenants/api-keys.service.js';
import { Tenants } from '../../src/tenants/tenants.service.js';
import { whileClockStands } from '../support/clock.js';
import { TEST_ENCRYPTION_KEY } from '../support/control-plane.services.js';
import { postgresIsInstalled, PostgresServer } from '../support/postgres.server.js';
import { commandsDuring } from '../support/redis.monitor.js';
import { freshRedisPrefix } from '../support/servers.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const TRACK = '/api/ingestion/track/';
const BATCH = '/api/ingestion/track/batch/';
const SESSION = '/api/auth/session/';
/** Needs no Redis of its own. */
const SCHEMAS = '/api/schemas/';
const event = { user_id: 'u1', event_type: 'page_viewed' };
const batchOf = (n: number) => ({ events: Array.from({ length: n }, () => event) });

interface Agreed {
  plan?: Plan;
  callsPerMinute?: number;
  eventsPerMonth?: number;
}

async function agree(service: TestService, tenantId: string, agreed: Agreed): Promise<void> {
  const { plan = 'enterprise', callsPerMinute = null, eventsPerMonth = null } = agreed;
  await service.app.get(Tenants).setPlan(tenantId, { plan, callsPerMinute, eventsPerMonth });
}

async function metric(service: TestService, name: string, limiter: string): Promise<number> {
  const port = String(service.app.get(MetricsServer).port);
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^${name}{limiter="${limiter}"} (\\d+)$`, 'm').exec(text)?.[1]);
}

(postgresIsInstalled ? describe : describe.skip)('plans, on two instances with one Redis and one PostgreSQL', () => {
  let dataDir: string;
  let redisServer: RedisServer;
  let redis: Redis;
  let postgres: PostgresServer;
  let instances: [TestService, TestService];
  const prefix = freshRedisPrefix();

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-plans-'));
    redisServer = await RedisServer.start({ dataDir });
    redis = new Redis(redisServer.url);
    postgres = await PostgresServer.start();
    const environment = {
      ROLE: 'api',
      REDIS_URL: redisServer.url,
      QUEUE_PREFIX: prefix,
      DATABASE_URL: postgres.url,
      ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
      HOST: '127.0.0.1',
      METRICS_PORT: '0',
      // Visitors come from addresses of their own.
      TRUSTED_PROXIES: '127.0.0.1',
      // So that there is a queue that takes nothing.
      SPOOL_MAX_BYTES: '0',
    };
    instances = [await startService(environment), await startService(environment)];
  }, 60_000);
  afterAll(async () => {
    await Promise.all(instances.map((instance) => instance.stop()));
    redis.disconnect();
    await redisServer.stop();
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** A tenant with these limits, whose requests go to the one and the other instance by turns. */
  const tenantWith = async (agreed: Agreed) => {
    const tenant = await instances[0].createTenant();
    await agree(instances[0], tenant.tenantId, agreed);
    let turn = 0;
    const next = () => request(instances[turn++ % 2]!.url);
    const authorization = `ApiKey ${tenant.key}`;
    return {
      ...tenant,
      get: (path: string) => next().get(path).set({ authorization }),
      post: (path: string, body: object | string) =>
        next().post(path).set({ authorization, 'content-type': 'application/json' }).send(body),
    };
  };
  const inParallel = async (n: number, call: () => PromiseLike<request.Response>) =>
    Promise.all(Array.from({ length: n }, call));
  const statusesOf = (responses: readonly request.Response[]) => {
    const counts: Record<number, number> = {};
    for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  };
  const limitsIn = ({ headers }: request.Response) => ({
    limit: headers['ratelimit-limit'],
    remaining: headers['ratelimit-remaining'],
    reset: headers['ratelimit-reset'] === undefined ? undefined : Number(headers['ratelimit-reset']),
  });
  const usedBy = async (tenantId: string, month = new Date().toISOString().slice(0, 7)) =>
    Number(await redis.get(`${prefix}:limits:events:${tenantId}:${month}`));
  /** What is asked of Redis about limits while `work` runs. */
  const questionsDuring = async (work: () => Promise<unknown>) => {
    const commands = await commandsDuring(redis, work);
    return commands.filter(
      ({ source, words }) => source !== 'lua' && words.some((word) => word.startsWith(`${prefix}:limits:`)),
    );
  };

  describe('calls a minute', () => {
    it('should say on every answer what is left, counting both instances together', async () => {
      const tenant = await tenantWith({ plan: 'free' });
      for (let remaining = 59; remaining >= 50; remaining--) {
        const response = await tenant.post(TRACK, event).expect(202);
        expect(limitsIn(response)).toEqual({ limit: '60', remaining: String(remaining), reset: expect.any(Number) });
        expect(limitsIn(response).reset).toBeGreaterThanOrEqual(1);
        expect(limitsIn(response).reset).toBeLessThanOrEqual(60);
      }
    });

    it('should say it on errors too', async () => {
      const tenant = await tenantWith({ callsPerMinute: 9 });
      const invalid = await tenant.post(TRACK, { event_type: 'page_viewed' }).expect(400);
      expect(limitsIn(invalid)).toMatchObject({ limit: '9', remaining: '8' });
      const unreadable = await tenant.post(BATCH, '{').expect(400);
      expect(limitsIn(unreadable)).toMatchObject({ limit: '9', remaining: '7' });
    });

    it('should answer 429 with Retry-After, the plan and the limit beyond it, on both instances', async () => {
      const tenant = await tenantWith({ plan: 'starter', callsPerMinute: 4 });
      for (let i = 0; i < 4; i++) await tenant.get(SCHEMAS).expect(200);
      for (let i = 0; i < 4; i++) {
        const refused = await tenant.get(SCHEMAS).expect(429);
        const { reset, ...rest } = limitsIn(refused);
        expect(rest).toEqual({ limit: '4', remaining: '0' });
        expect(refused.headers['retry-after']).toBe(String(reset));
        expect(refused.body).toEqual({
          detail: `The plan starter allows 4 calls a minute. Try again in ${String(reset)} s, send several events in one call, or choose a larger plan.`,
        });
      }
    });

    it('should accept exactly as many of parallel calls as are left', async () => {
      const tenant = await tenantWith({ callsPerMinute: 10 });
      expect(statusesOf(await inParallel(50, () => tenant.post(TRACK, event)))).toEqual({ 202: 10, 429: 40 });
    });

    it('should count tenants apart', async () => {
      const [one, other] = [await tenantWith({ callsPerMinute: 1 }), await tenantWith({ callsPerMinute: 1 })];
      await one.post(TRACK, event).expect(202);
      await other.post(TRACK, event).expect(202);
      await one.post(TRACK, event).expect(429);
    });

    it('should begin anew when the minute is over', async () => {
      const tenant = await tenantWith({ callsPerMinute: 2 });
      const key = `${prefix}:limits:calls:${tenant.tenantId}`;
      await tenant.post(TRACK, event).expect(202);
      expect(await redis.pttl(key)).toBeGreaterThan(55_000);
      // What the calls of this test took belongs to the minute that ends now.
      await redis.pexpire(key, 1_500);
      await tenant.post(TRACK, event).expect(202);
      await tenant.post(TRACK, event).expect(429);
      await waitUntil(async () => (await tenant.post(TRACK, event)).status === 202, { everyMs: 100 });
    });

    it('should not count what it cannot lay at a tenant’s door', async () => {
      const response = await request(instances[0].url).post(TRACK).send(event).expect(401);
      expect(limitsIn(response)).toEqual({ limit: undefined, remaining: undefined, reset: undefined });
      await request(instances[0].url).get('/livez').expect(200);
    });

    it('should put a changed plan in force on both instances at once', async () => {
      const tenant = await tenantWith({ callsPerMinute: 2 });
      await inParallel(4, () => tenant.get(SCHEMAS));
      expect(statusesOf(await inParallel(2, () => tenant.get(SCHEMAS)))).toEqual({ 429: 2 });
      const code = await runCli(['plan', 'set', tenant.tenantId, 'free', '--calls-per-minute', '8'], {
        env: { DATABASE_URL: postgres.url, ENCRYPTION_KEY: TEST_ENCRYPTION_KEY },
        out: () => undefined,
        err: () => undefined,
      });
      expect(code).toBe(0);
      // They hear of it from PostgreSQL.
      await whileClockStands(() => waitUntil(async () => limitsIn(await tenant.get(SCHEMAS)).limit === '8'));
      await agree(instances[0], tenant.tenantId, { plan: 'enterprise' });
      await waitUntil(async () => {
        const [one, other] = await inParallel(2, () => tenant.get(SCHEMAS));
        return [one!, other!].every((answer) => answer.status === 200 && limitsIn(answer).limit === undefined);
      });
    });

    it('should ask Redis once a call, and not at all for a tenant that is over', async () => {
      const tenant = await tenantWith({ callsPerMinute: 3 });
      const within = await questionsDuring(async () => {
        for (let i = 0; i < 3; i++) await tenant.get(SCHEMAS).expect(200);
      });
      expect(within).toHaveLength(3);
      // Each instance learns of it from its own last question.
      await inParallel(4, () => tenant.get(SCHEMAS));
      const beyond = await questionsDuring(async () => {
        expect(statusesOf(await inParallel(40, () => tenant.get(SCHEMAS)))).toEqual({ 429: 40 });
      });
      expect(beyond).toEqual([]);
    });

    it('should ask Redis nothing about a tenant without limits', async () => {
      const tenant = await tenantWith({ plan: 'enterprise' });
      const questions = await questionsDuring(async () => {
        const response = await tenant.post(BATCH, batchOf(3)).expect(202);
        expect(limitsIn(response)).toEqual({ limit: undefined, remaining: undefined, reset: undefined });
        await inParallel(20, () => tenant.post(TRACK, event).expect(202));
      });
      expect(questions).toEqual([]);
    });

    it('should count in the metrics whom it stopped', async () => {
      const tenant = await tenantWith({ callsPerMinute: 1 });
      const stopped = async () =>
        (await metric(instances[0], 'segops_limited_requests_total', 'calls')) +
        (await metric(instances[1], 'segops_limited_requests_total', 'calls'));
      const before = await stopped();
      await inParallel(5, () => tenant.post(TRACK, event));
      expect((await stopped()) - before).toBe(4);
    });
  });

  describe('events a month', () => {
    it('should accept events up to exactly the limit, and nothing of a request beyond it', async () => {
      const tenant = await tenantWith({ plan: 'free', callsPerMinute: 100, eventsPerMonth: 10 });
      await tenant.post(BATCH, batchOf(7)).expect(202, { queued: 7, skipped: 0 });
      const secondsLeft = () => {
        const now = new Date();
        return (Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1) - now.getTime()) / 1000;
      };
      const before = secondsLeft();
      const refused = await tenant.post(BATCH, batchOf(4)).expect(429);
      expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(Math.ceil(before));
      expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(Math.floor(secondsLeft()));
      expect(limitsIn(refused)).toEqual({
        limit: '10',
        remaining: '3',
        reset: Number(refused.headers['retry-after']),
      });
      expect((refused.body as { detail: string }).detail).toMatch(
        /^The plan free allows 10 events a month; 3 are left until \d{4}-\d\d-01 \(UTC\), and this request has 4\. None/,
      );
      expect(await usedBy(tenant.tenantId)).toBe(7);
      await tenant.post(BATCH, batchOf(2)).expect(202);
      await tenant.post(TRACK, event).expect(202);
      await tenant.post(TRACK, event).expect(429);
      await tenant.post(TRACK, event).expect(429);
      expect(await usedBy(tenant.tenantId)).toBe(10);
    });

    it('should not count events that were skipped', async () => {
      const tenant = await tenantWith({ eventsPerMonth: 3 });
      const events = [event, { ...event, user_id: '' }, event, { ...event, event_type: 'Page Viewed' }];
      await tenant.post(BATCH, { events }).expect(202);
      await tenant.post(TRACK, { event_type: 'page_viewed' }).expect(400);
      await tenant.post(BATCH, { events: events.slice(1, 2) }).expect(202);
      expect(await usedBy(tenant.tenantId)).toBe(2);
      await tenant.post(TRACK, event).expect(202);
      await tenant.post(TRACK, event).expect(429);
    });

    it('should accept exactly as many of parallel requests as are left', async () => {
      const tenant = await tenantWith({ eventsPerMonth: 10 });
      expect(statusesOf(await inParallel(50, () => tenant.post(TRACK, event)))).toEqual({ 202: 10, 429: 40 });
      expect(await usedBy(tenant.tenantId)).toBe(10);
    });

    it('should begin anew with the month, which ends in UTC, and forget the old one after some days', async () => {
      const tenant = await tenantWith({ eventsPerMonth: 2 });
      const setClocks = (now: string) => {
        for (const { app } of instances) jest.spyOn(app.get(QuotaClock), 'now').mockReturnValue(new Date(now));
      };
      setClocks('2099-01-31T23:59:30.000Z');
      await tenant.post(BATCH, batchOf(2)).expect(202);
      const refused = await tenant.post(TRACK, event).expect(429);
      expect(refused.headers['retry-after']).toBe('30');
      expect(await redis.expiretime(`${prefix}:limits:events:${tenant.tenantId}:2099-01`)).toBe(
        Date.parse('2099-02-04T00:00:00.000Z') / 1000,
      );
      setClocks('2099-02-01T00:00:00.000Z');
      await tenant.post(BATCH, batchOf(2)).expect(202);
      await tenant.post(TRACK, event).expect(429);
      expect([await usedBy(tenant.tenantId, '2099-01'), await usedBy(tenant.tenantId, '2099-02')]).toEqual([2, 2]);
    });

    it('should give back what could not be queued', async () => {
      const tenant = await tenantWith({ eventsPerMonth: 5 });
      await tenant.post(BATCH, batchOf(2)).expect(202);
      // A queue that takes nothing, while Redis itself counts.
      const waiting = `${prefix}:events:wait`;
      await redis.rename(waiting, `${waiting}-kept`);
      await redis.set(waiting, 'not a list');
      try {
        await tenant.post(BATCH, batchOf(3)).expect(503);
        await tenant.post(TRACK, event).expect(503);
        expect(await usedBy(tenant.tenantId)).toBe(2);
      } finally {
        await redis.rename(`${waiting}-kept`, waiting);
      }
      await tenant.post(BATCH, batchOf(3)).expect(202);
      await tenant.post(TRACK, event).expect(429);
    });

    it('should put a changed plan in force on both instances at once, and keep what was counted', async () => {
      const tenant = await tenantWith({ eventsPerMonth: 2 });
      await tenant.post(BATCH, batchOf(2)).expect(202);
      await tenant.post(TRACK, event).expect(429);
      await tenant.post(TRACK, event).expect(429);
      await agree(instances[1], tenant.tenantId, { eventsPerMonth: 6 });
      await whileClockStands(() => waitUntil(async () => (await tenant.post(BATCH, batchOf(4))).status === 202));
      await tenant.post(TRACK, event).expect(429);
      await tenant.post(TRACK, event).expect(429);
    });
  });

  describe('public keys', () => {
    let addresses = 0;
    /** One of an address of its own, unless another visitor's is given. */
    const visit = (key: string, address = `198.18.7.${++addresses}`) => {
      let turn = 0;
      const post = (path: string, authorization: string, body: object) =>
        request(instances[turn++ % 2]!.url)
          .post(path)
          .set({ authorization, 'x-forwarded-for': address })
          .send(body);
      const open = async (status = 200) => {
        const opened = await post(SESSION, `ApiKey ${key}`, { anonymous_id: 'c0ffee' }).expect(status);
        const { token } = opened.body as { token: string };
        return {
          opened,
          track: (n = 1) => post(BATCH, `Bearer ${token}`, batchOf(n)),
        };
      };
      return { open, address };
    };
    const publicKeyOf = async ({ tenantId }: TestTenant) =>
      (await instances[0].app.get(ApiKeys).create({ tenantId, name: 'page', type: 'public', mode: 'test' })).key;
    const detailOf = ({ body }: request.Response) => (body as { detail: string }).detail;

    it('should have calls a minute of their own, a share of them for each session and address', async () => {
      const tenant = await tenantWith({ callsPerMinute: 8 });
      const key = await publicKeyOf(tenant);
      const one = visit(key);
      const first = await one.open();
      expect(limitsIn(first.opened)).toMatchObject({ limit: '4', remaining: '3' });
      expect(limitsIn(await first.track().expect(202))).toMatchObject({ limit: '2', remaining: '1' });
      await first.track().expect(202);
      const ofSession = await first.track().expect(429);
      expect(limitsIn(ofSession)).toMatchObject({ limit: '2', remaining: '0' });
      expect(ofSession.headers['retry-after']).toBe(ofSession.headers['ratelimit-reset']);
      expect(detailOf(ofSession)).toContain('allows a session 2 calls a minute');

      const second = await one.open();
      const ofAddress = await second.track().expect(429);
      expect(detailOf(ofAddress)).toContain('allows one address 4 calls a minute');

      const other = await visit(key).open();
      for (let i = 0; i < 2; i++) await other.track().expect(202);
      await visit(key).open();
      const { opened: ofKey } = await visit(key).open(429);
      expect(detailOf(ofKey)).toContain('allows a public key 8 calls a minute');

      await visit(await publicKeyOf(tenant)).open();
      expect(statusesOf(await inParallel(10, () => tenant.get(SCHEMAS)))).toEqual({ 200: 8, 429: 2 });
    });

    it('should be let in when the servers have used up their minute and month', async () => {
      const tenant = await tenantWith({ callsPerMinute: 8, eventsPerMonth: 8 });
      await tenant.post(BATCH, batchOf(8)).expect(202);
      await tenant.post(TRACK, event).expect(429);
      await inParallel(10, () => tenant.get(SCHEMAS));
      expect((await tenant.get(SCHEMAS)).status).toBe(429);
      const { track } = await visit(await publicKeyOf(tenant)).open();
      await track(2).expect(202);
    });

    it('should have events a month of their own, a share of them for each session and address', async () => {
      const tenant = await tenantWith({ eventsPerMonth: 100 });
      const [key, otherKey] = [await publicKeyOf(tenant), await publicKeyOf(tenant)];
      const one = visit(key);
      const first = await one.open();
      await first.track(25).expect(202);
      const ofSession = await first.track().expect(429);
      expect(detailOf(ofSession)).toContain('allows a session 25 events in 15 minutes');
      expect(Number(ofSession.headers['retry-after'])).toBeLessThanOrEqual(900);
      await (await one.open()).track(25).expect(202);
      const ofAddress = await (await one.open()).track().expect(429);
      expect(detailOf(ofAddress)).toContain('allows one address 50 events a day; 0 are left');

      const other = visit(otherKey);
      for (let i = 0; i < 2; i++) await (await other.open()).track(25).expect(202);
      const ofKeys = await (await visit(key).open()).track().expect(429);
      expect(detailOf(ofKeys)).toMatch(/allows public keys 100 events a month; 0 are left until \d{4}-\d\d-01/);
      await tenant.post(BATCH, batchOf(100)).expect(202);
    });

    it('should be given back by all budgets what could not be queued', async () => {
      const tenant = await tenantWith({ eventsPerMonth: 8 });
      const { track } = await visit(await publicKeyOf(tenant)).open();
      const waiting = `${prefix}:events:wait`;
      await redis.rename(waiting, `${waiting}-kept`);
      await redis.set(waiting, 'not a list');
      try {
        await track(2).expect(503);
      } finally {
        await redis.rename(`${waiting}-kept`, waiting);
      }
      const keys = await redis.keys(`${prefix}:limits:events:${tenant.tenantId}:*`);
      expect(keys).toHaveLength(3);
      expect(await redis.mget(keys)).toEqual(['0', '0', '0']);
      expect((await Promise.all(keys.map((name) => redis.ttl(name)))).filter((seconds) => seconds <= 0)).toEqual([]);
    });

    it('should be asked about once a call, and never where the plan has no limit', async () => {
      const limited = await visit(await publicKeyOf(await tenantWith({ callsPerMinute: 100 }))).open();
      expect(await questionsDuring(() => limited.track().expect(202))).toHaveLength(1);
      const unlimited = await visit(await publicKeyOf(await tenantWith({}))).open();
      expect(await questionsDuring(() => unlimited.track().expect(202))).toEqual([]);
    });
  });
});

describe('plans, while Redis is away', () => {
  let dataDir: string;
  let redis: RedisServer;
  let service: TestService;
  let tenant: TestTenant;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-plans-'));
    redis = await RedisServer.start({ dataDir });
    service = await startService({ ROLE: 'api', REDIS_URL: redis.url, HOST: '127.0.0.1', METRICS_PORT: '0' });
    tenant = await limitedTenant(5);
    expect(await call()).toMatchObject({ status: 200, remaining: '4' });
  });
  afterEach(async () => {
    await service.stop();
    await redis.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const limitedTenant = async (callsPerMinute: number): Promise<TestTenant> => {
    const created = await service.createTenant();
    await agree(service, created.tenantId, { callsPerMinute });
    return created;
  };
  const call = async ({ key } = tenant) => {
    const { status, headers } = await request(service.url).get(SCHEMAS).set('authorization', `ApiKey ${key}`);
    return { status, remaining: headers['ratelimit-remaining'] };
  };
  const failures = () => metric(service, 'segops_limiter_failures_total', 'calls');
  const isLimitedAgain = async () => (await call()).status === 429;

  it('should let calls pass when it is dead, say so in the metrics, and limit again when it is back', async () => {
    await redis.kill();
    for (let i = 1; i <= 10; i++) {
      expect(await call()).toEqual({ status: 200, remaining: undefined });
      expect(await failures()).toBe(i);
    }
    redis = await RedisServer.start({ dataDir, port: redis.port });
    await waitUntil(isLimitedAgain);
  });

  it('should let calls pass while it is frozen, and limit again when it is back', async () => {
    process.kill(redis.pid, 'SIGSTOP');
    try {
      for (let i = 0; i < 10; i++) expect((await call()).status).toBe(200);
      expect(await failures()).toBe(10);
    } finally {
      process.kill(redis.pid, 'SIGCONT');
    }
    await waitUntil(isLimitedAgain);
  });

  it('should go on refusing a tenant that is known to have used up its calls', async () => {
    const other = await limitedTenant(1);
    expect((await call(other)).status).toBe(200);
    await redis.kill();
    expect(await call(other)).toMatchObject({ status: 429, remaining: '0' });
    expect((await call()).status).toBe(200);
  });
});

describe('plans, in a worker', () => {
  it('should have nothing to limit, and metrics all the same', async () => {
    const service = await startService({ ROLE: 'worker', HOST: '127.0.0.1', METRICS_PORT: '0' });
    expect(await metric(service, 'segops_limiter_failures_total', 'calls')).toBe(0);
    await service.stop();
  });
});
