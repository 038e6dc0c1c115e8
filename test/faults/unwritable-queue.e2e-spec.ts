import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import request from 'supertest';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { valueOf } from '../support/prometheus.js';
import { RedisProxy } from '../support/redis.proxy.js';
import { scrape } from '../support/scrape.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const TRACK = '/api/ingestion/track/';
const AT_ONCE = ['--repl-diskless-sync-delay', '0'];
const SETTINGS = { HOST: '127.0.0.1', METRICS_PORT: '0', QUEUE_PREFIX: 'unwritable' };

/** Lines by level, as the service logs them. */
function collectingLogger() {
  const lines: string[] = [];
  const take = (line: unknown): void => {
    lines.push(typeof line === 'string' ? line : JSON.stringify(line));
  };
  return { lines, logger: { log: take, error: take, warn: take, debug: take, verbose: take, fatal: take } };
}

describe('a Redis that answers and takes no writes', () => {
  let folder: string;
  let service: TestService;
  let tenant: TestTenant;
  const servers: RedisServer[] = [];
  const connections: Redis[] = [];

  const startRedis = async (...args: string[]): Promise<{ server: RedisServer; redis: Redis }> => {
    const dataDir = await mkdtemp(join(folder, 'redis-'));
    await mkdir(join(dataDir, 'folder'));
    const server = await RedisServer.start({ dataDir, args });
    servers.push(server);
    const redis = new Redis(server.url);
    connections.push(redis);
    return { server, redis };
  };
  const health = async () => (await request(service.url).get('/api/ingestion/health/')).body as Record<string, string>;
  const isUp = async () => valueOf(await scrape(service), 'segops_queue_up');
  const statusOf = async (user: string) =>
    (await tenant.post(TRACK, { user_id: user, event_type: 'page_viewed' })).status;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'segops-unwritable-'));
  });
  afterAll(async () => {
    for (const redis of connections.splice(0)) redis.disconnect();
    for (const server of servers) await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  describe('as it lives on as a replica of another', () => {
    let proxy: RedisProxy;

    afterEach(async () => {
      await service.stop();
      await proxy.stop();
    });

    it.each([
      ['with a spool', {}],
      ['without a spool', { SPOOL_MAX_BYTES: '0' }],
    ])('should be left for the new primary, and come back to, %s', async (_, settings) => {
      const [one, other] = [await startRedis(...AT_ONCE), await startRedis(...AT_ONCE)];
      await other.redis.replicaof('127.0.0.1', one.server.port);
      await waitUntil(async () => (await other.redis.info('replication')).includes('master_link_status:up'));
      proxy = await RedisProxy.start(one.server.port);
      service = await startService({ ...SETTINGS, REDIS_URL: proxy.url, ...settings });
      tenant = await service.createTenant();
      const sent: string[] = [];
      /** As a client that repeats what was refused. */
      const send = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) {
          const user = `u${sent.length}`;
          sent.push(user);
          await waitUntil(async () => (await statusOf(user)) === 202);
        }
      };
      const failOver = async (from: typeof one, to: typeof one): Promise<void> => {
        await from.redis.call('CLIENT', 'PAUSE', '1000', 'WRITE');
        await from.redis.wait(1, 1_000);
        await to.redis.replicaof('NO', 'ONE');
        await from.redis.replicaof('127.0.0.1', to.server.port);
        proxy.leadTo(to.server.port);
      };

      await send(5);
      await failOver(one, other);
      await send(30);
      await waitUntil(async () => (await health())['pubsub_topic'] === 'ok');
      await tenant.storedEvents(35, { timeoutMs: 20_000 });
      await failOver(other, one);
      await send(30);
      const stored = await tenant.storedEvents(65, { timeoutMs: 20_000 });
      expect(stored.map(({ user_id }) => user_id).sort()).toEqual(sent.sort());
      await waitUntil(async () => Object.values(await health()).every((word) => word === 'ok'));
    });
  });

  describe('as it refuses them', () => {
    const { lines, logger } = collectingLogger();
    let redis: Redis;

    beforeAll(async () => {
      // A snapshot cannot take the place of a folder.
      const started = await startRedis('--dbfilename', 'folder');
      redis = started.redis;
      await redis.call('ACL', 'SETUSER', 'writer', 'on', '>secret', '~*', '&*', '+@all');
      const url = started.server.url.replace('://', '://writer:secret@');
      service = await startService({ ...SETTINGS, REDIS_URL: url, SPOOL_MAX_BYTES: '0' }, { logger });
      tenant = await service.createTenant();
    });
    afterAll(() => service.stop());

    it.each([
      {
        word: 'noreplicas',
        refuse: (redis: Redis) => redis.config('SET', 'min-replicas-to-write', '1'),
        mend: (redis: Redis) => redis.config('SET', 'min-replicas-to-write', '0'),
      },
      {
        word: 'misconf',
        refuse: async (redis: Redis) => {
          await redis.config('SET', 'save', '3600 1');
          await redis.bgsave();
          await waitUntil(async () => (await redis.info('persistence')).includes('rdb_last_bgsave_status:err'));
        },
        mend: (redis: Redis) => redis.config('SET', 'save', ''),
      },
      {
        word: 'full',
        refuse: (redis: Redis) => redis.config('SET', 'maxmemory', '1mb'),
        mend: (redis: Redis) => redis.config('SET', 'maxmemory', '0'),
      },
      {
        word: 'refused',
        refuse: (redis: Redis) => redis.call('ACL', 'SETUSER', 'writer', '-@write'),
        mend: (redis: Redis) => redis.call('ACL', 'SETUSER', 'writer', '+@write'),
      },
      {
        // It is left at once, and found again.
        word: 'down',
        refuse: (redis: Redis) => redis.replicaof('127.0.0.1', 1),
        mend: (redis: Redis) => redis.replicaof('NO', 'ONE'),
      },
    ])(
      'should be told of by health as $word, in the metrics, and by one line in the log',
      async ({ word, refuse, mend }) => {
        await waitUntil(async () => Object.values(await health()).every((part) => part === 'ok'));
        expect(await isUp()).toBe(1);
        lines.length = 0;

        await refuse(redis);
        await waitUntil(async () => (await statusOf('refused')) === 503);
        await waitUntil(async () => (await health())['pubsub_topic'] === word);
        expect(await health()).toEqual({ pubsub_topic: word, worker: 'unknown', clickhouse: 'ok' });
        expect(await isUp()).toBe(0);
        for (let i = 0; i < 20; i++) expect(await statusOf('refused')).toBe(503);
        const before = Number(/total_error_replies:(\d+)/.exec(await redis.info('stats'))?.[1]);
        await waitUntil(
          async () =>
            word === 'down' || Number(/total_error_replies:(\d+)/.exec(await redis.info('stats'))?.[1]) > before + 5,
        );
        const told = (what: RegExp): number => lines.filter((line) => what.test(line)).length;
        const lost = told(/Redis cannot be reached/);
        const refused = told(/Redis (takes no writes|is out of memory)/);
        if (word === 'down') {
          // Each connection tells so once it notices: that of the queue, of the limits and of the worker. A write may be refused before.
          expect(lost).toBeGreaterThan(0);
          expect(lost).toBeLessThanOrEqual(3);
          expect(refused).toBeLessThanOrEqual(1);
        } else {
          expect({ lost, refused }).toEqual({ lost: 0, refused: 1 });
        }
        expect(lines.length).toBeLessThan(10);

        await mend(redis);
        await waitUntil(async () => (await statusOf(`taken-${word}`)) === 202);
        await waitUntil(async () => Object.values(await health()).every((part) => part === 'ok'));
        expect(await isUp()).toBe(1);
        await waitUntil(async () => (await tenant.storedEvents(1)).some(({ user_id }) => user_id === `taken-${word}`), {
          timeoutMs: 20_000,
        });
      },
    );
  });
});
