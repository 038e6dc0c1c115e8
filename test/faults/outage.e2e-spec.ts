import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import request from 'supertest';
import { ClickHouseServer } from '../../src/embedded/clickhouse.server.js';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { type FreshControlPlane, freshControlPlane } from '../support/control-plane.js';
import { freshClickHouseDatabase } from '../support/servers.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const event = { user_id: 'u1', event_type: 'page_viewed' };
const track = '/api/ingestion/track/';
const batch = '/api/ingestion/track/batch/';

const folderSize = async (folder: string): Promise<number> => {
  const files = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
};

describe('while a server is away', () => {
  let dataDir: string;
  let service: TestService;
  let tenant: TestTenant;

  const healthOf = async () => {
    const response = await request(service.url).get('/api/ingestion/health/');
    return { status: response.status, ...(response.body as Record<string, string>) };
  };

  const shown = (state: object) => waitUntil(async () => isDeepStrictEqual({ ...(await healthOf()) }, state));

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-outage-'));
  });
  afterEach(async () => {
    await rm(dataDir, { recursive: true, force: true });
  });

  describe('Redis, with a spool to fall back on', () => {
    let redis: RedisServer;
    let controlPlane: FreshControlPlane;
    let environment: Record<string, string>;

    const start = async (settings: Record<string, string> = {}): Promise<void> => {
      service = await startService({ ...environment, ...settings });
    };
    const restartRedis = async (): Promise<void> => {
      redis = await RedisServer.start({ dataDir: join(dataDir, 'redis'), port: redis.port });
    };
    const usersIn = async (count: number) =>
      (await tenant.storedEvents(count, { timeoutMs: 30_000 })).map(({ user_id }) => user_id).sort();

    beforeEach(async () => {
      redis = await RedisServer.start({ dataDir: join(dataDir, 'redis') });
      controlPlane = await freshControlPlane(dataDir);
      environment = { ...controlPlane.environment, REDIS_URL: redis.url, DATA_DIR: dataDir, QUEUE_PREFIX: 'spooled' };
    });
    afterEach(async () => {
      await service.stop();
      await redis.stop();
      await controlPlane.drop();
    });

    it.each(['dead', 'frozen'])('should accept events while it is %s, and store each once', async (how) => {
      await start();
      tenant = await service.createTenant();
      if (how === 'dead') await redis.kill();
      else process.kill(redis.pid, 'SIGSTOP');
      for (let i = 0; i < 20; i++) await tenant.post(track, { ...event, user_id: `u${i}` }).expect(202);
      await waitUntil(async () => (await healthOf()).status === 503);
      expect(await healthOf()).toMatchObject({ status: 503, pubsub_topic: 'down' });
      if (how === 'dead') await restartRedis();
      else process.kill(redis.pid, 'SIGCONT');
      await waitUntil(async () => (await healthOf()).status === 200, { timeoutMs: 20_000 });
      expect(await usersIn(20)).toEqual(Array.from({ length: 20 }, (_, i) => `u${i}`).sort());
    });

    it('should keep what it accepted over a restart of the service', async () => {
      const database = await freshClickHouseDatabase();
      await start({ CLICKHOUSE_URL: database.url });
      tenant = await service.createTenant();
      await redis.kill();
      await tenant.post(track, event).expect(202);
      await service.stop();
      await restartRedis();
      await start({ CLICKHOUSE_URL: database.url });
      await waitUntil(
        async () => {
          const result = await service.clickhouse.query({ query: 'SELECT user_id FROM events', format: 'JSONEachRow' });
          return (await result.json<{ user_id: string }>()).length === 1;
        },
        { timeoutMs: 20_000 },
      );
      await database.drop();
    });

    it('should answer 503 with Retry-After when the spool is full, lose nothing it accepted, and recover by itself', async () => {
      await start({ SPOOL_MAX_BYTES: '50000000' });
      tenant = await service.createTenant();
      await redis.kill();
      const accepted: string[] = [];
      let refused = 0;
      for (let i = 0; refused < 5; i++) {
        const users = Array.from({ length: 20 }, (_, k) => `u${i}-${k}`);
        const events = users.map((user_id) => ({ ...event, user_id, payload: { text: 'x'.repeat(100_000) } }));
        const response = await tenant.post(batch, { events });
        if (response.status === 202) {
          accepted.push(...users);
          continue;
        }
        refused++;
        expect({ status: response.status, retryAfter: response.headers['retry-after'] }).toEqual({
          status: 503,
          retryAfter: '1',
        });
      }
      // 2 MB a request.
      expect(accepted.length).toBeGreaterThanOrEqual(20 * 20);
      expect(await folderSize(join(dataDir, 'spool'))).toBeLessThan(60_000_000);
      await restartRedis();
      await waitUntil(async () => (await healthOf()).status === 200, { timeoutMs: 20_000 });
      expect(await usersIn(accepted.length)).toEqual([...accepted].sort());
      await tenant.post(track, event).expect(202);
    });
  });

  describe('Redis, without a spool', () => {
    let redis: RedisServer;

    beforeEach(async () => {
      redis = await RedisServer.start({ dataDir });
      service = await startService({ REDIS_URL: redis.url, SPOOL_MAX_BYTES: '0' });
      tenant = await service.createTenant();
    });
    afterEach(async () => {
      await service.stop();
      await redis.stop();
    });

    const expectRefusal = async () => {
      const response = await tenant.post(track, event);
      expect(response.status).toBe(503);
      expect(response.headers['retry-after']).toBe('1');
      expect(response.body).toEqual({ detail: expect.any(String) });
    };

    it('should answer 503 with Retry-After while it is dead, and recover by itself', async () => {
      await redis.kill();
      await expectRefusal();
      await expectRefusal();
      await waitUntil(async () => (await healthOf()).status === 503);
      expect(await healthOf()).toEqual({ status: 503, pubsub_topic: 'down', worker: 'unknown', clickhouse: 'ok' });
      redis = await RedisServer.start({ dataDir, port: redis.port });
      await waitUntil(async () => (await healthOf()).status === 200);
      await tenant.post(track, { ...event, user_id: 'after' }).expect(202);
      await waitUntil(async () => (await tenant.storedEvents(1)).some(({ user_id }) => user_id === 'after'));
    });

    it('should answer 503 with Retry-After while it is frozen, and recover by itself', async () => {
      process.kill(redis.pid, 'SIGSTOP');
      await expectRefusal();
      await shown({ status: 503, pubsub_topic: 'down', worker: 'unknown', clickhouse: 'ok' });
      process.kill(redis.pid, 'SIGCONT');
      await waitUntil(async () => (await healthOf()).status === 200);
      await tenant.post(track, event).expect(202);
    });

    it('should stay alive and ready, for Kubernetes must not restart it', async () => {
      await redis.kill();
      await request(service.url).get('/livez').expect(200);
      await request(service.url).get('/readyz').expect(200);
    });

    it('should store what it acknowledged before a crash', async () => {
      await tenant.post(track, event).expect(202);
      await redis.kill();
      redis = await RedisServer.start({ dataDir, port: redis.port });
      // If a worker had it in hand, it is delivered again when its lock has run out.
      expect(await tenant.storedEvents(1, { timeoutMs: 20_000 })).toHaveLength(1);
    });

    it('should stop in good order while it is away', async () => {
      await redis.kill();
      await service.app.close();
    });
  });

  describe('ClickHouse', () => {
    let clickhouse: ClickHouseServer;

    beforeEach(async () => {
      clickhouse = await ClickHouseServer.start({ dataDir });
    });
    afterEach(async () => {
      await service.stop();
      await clickhouse.stop();
    });

    const countEvents = async (): Promise<number> => {
      const response = await fetch(`${clickhouse.url}/?query=SELECT%20count()%20FROM%20events`);
      return Number(await response.text());
    };

    it('should accept events, keep them, and store each once when it is back', async () => {
      service = await startService({ CLICKHOUSE_URL: clickhouse.url });
      tenant = await service.createTenant();
      await waitUntil(async () => (await healthOf()).status === 200);
      await clickhouse.kill();
      for (let i = 0; i < 20; i++) await tenant.post(track, { ...event, user_id: `u${i}` }).expect(202);
      await waitUntil(async () => (await healthOf()).status === 503);
      expect(await healthOf()).toMatchObject({ status: 503, pubsub_topic: 'ok', clickhouse: 'down' });
      clickhouse = await ClickHouseServer.start({ dataDir, port: clickhouse.port });
      await waitUntil(async () => (await countEvents()) >= 20, { timeoutMs: 20_000 });
      await waitUntil(async () => (await healthOf()).status === 200);
      expect(await countEvents()).toBe(20);
    });

    it('should show by itself that it is dead or frozen, and that it is back', async () => {
      service = await startService({ CLICKHOUSE_URL: clickhouse.url });
      await waitUntil(async () => (await healthOf()).status === 200);
      const away = { status: 503, pubsub_topic: 'ok', worker: 'ok', clickhouse: 'down' };
      process.kill(clickhouse.pid, 'SIGSTOP');
      await shown(away);
      process.kill(clickhouse.pid, 'SIGCONT');
      await waitUntil(async () => (await healthOf()).status === 200);

      await clickhouse.kill();
      await shown(away);
      clickhouse = await ClickHouseServer.start({ dataDir, port: clickhouse.port });
      await waitUntil(async () => (await healthOf()).status === 200);
    });

    it('should start without it, accept events, and store them when it comes', async () => {
      const { port } = clickhouse;
      await clickhouse.stop();
      service = await startService({ CLICKHOUSE_URL: clickhouse.url }, { withoutWarehouse: true });
      tenant = await service.createTenant();
      await tenant.post(track, event).expect(202);
      await waitUntil(async () => (await healthOf()).status === 503);
      expect(await healthOf()).toMatchObject({ status: 503, worker: 'down', clickhouse: 'down' });
      clickhouse = await ClickHouseServer.start({ dataDir, port });
      await waitUntil(async () => (await healthOf()).status === 200, { timeoutMs: 20_000 });
      await waitUntil(async () => (await countEvents()) === 1);
    });

    it('should stop in good order while it is away, and hand the events to the next worker', async () => {
      service = await startService({ CLICKHOUSE_URL: clickhouse.url, QUEUE_PREFIX: 'handed-over' });
      tenant = await service.createTenant();
      await clickhouse.kill();
      await tenant.post(track, event).expect(202);
      await service.stop();
      clickhouse = await ClickHouseServer.start({ dataDir, port: clickhouse.port });
      service = await startService({ CLICKHOUSE_URL: clickhouse.url, QUEUE_PREFIX: 'handed-over' });
      await waitUntil(async () => (await countEvents()) === 1, { timeoutMs: 20_000 });
    });
  });
});
