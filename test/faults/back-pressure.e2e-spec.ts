import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import request from 'supertest';
import { ClickHouseServer } from '../../src/embedded/clickhouse.server.js';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { valueOf } from '../support/prometheus.js';
import { scrape } from '../support/scrape.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const TRACK = '/api/ingestion/track/';
const BATCH = '/api/ingestion/track/batch/';
const EVENTS_PER_REQUEST = 100;

describe('back-pressure', () => {
  let dataDir: string;
  let redisServer: RedisServer;
  let redis: Redis;
  let clickhouse: ClickHouseServer;
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-pressure-'));
    redisServer = await RedisServer.start({ dataDir: join(dataDir, 'redis') });
    clickhouse = await ClickHouseServer.start({ dataDir: join(dataDir, 'clickhouse') });
    redis = new Redis(redisServer.url);
    await redis.config('SET', 'maxmemory', '32mb');
    service = await startService({
      REDIS_URL: redisServer.url,
      CLICKHOUSE_URL: clickhouse.url,
      HOST: '127.0.0.1',
      METRICS_PORT: '0',
      SPOOL_MAX_BYTES: '4000000',
    });
    tenant = await service.createTenant();
  });
  afterAll(async () => {
    await service.stop();
    redis.disconnect();
    await redisServer.stop();
    await clickhouse.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const ask = async (query: string): Promise<string> => {
    const response = await fetch(`${clickhouse.url}/?query=${encodeURIComponent(query)}`);
    return (await response.text()).trim();
  };

  it('should spool before Redis is full, answer 503 when the spool is full too, lose nothing that it took, and go on by itself', async () => {
    const { port } = clickhouse;
    await clickhouse.kill();
    const acknowledged: string[] = [];
    let refusal: request.Response | undefined;
    let next = 0;
    // Several clients at once, as one that waits for each answer never surprises the queue.
    const send = async (): Promise<void> => {
      while (refusal === undefined) {
        const ids = Array.from({ length: EVENTS_PER_REQUEST }, () => `u${next++}`);
        const events = ids.map((user_id) => ({
          user_id,
          event_type: 'page_viewed',
          payload: { text: 'x'.repeat(2_000) },
        }));
        const response = await tenant.post(BATCH, { events });
        if (response.status === 202) acknowledged.push(...ids);
        else refusal ??= response;
      }
    };
    const queueMetric = async (name: string) => valueOf(await scrape(service), `segops_queue_${name}`) ?? 0;
    // Until Redis itself says that it is nearly full: what the process has added up since it asked may be more than there is.
    await waitUntil(
      async () => {
        refusal = undefined;
        await Promise.all(Array.from({ length: 8 }, send));
        return (await queueMetric('memory_ratio')) > 0.7;
      },
      { timeoutMs: 40_000 },
    );

    expect(refusal?.status).toBe(503);
    expect(refusal?.headers['retry-after']).toBe('1');
    expect(acknowledged.length).toBeGreaterThan(20 * EVENTS_PER_REQUEST);
    expect(await queueMetric('memory_ratio')).toBeLessThan(0.9);
    expect(await queueMetric('refusing')).toBe(1);
    // One report is shared by all who ask within a second.
    const health = () => request(service.url).get('/api/ingestion/health/');
    await waitUntil(async () => (await health()).status === 503);
    expect((await health()).body).toMatchObject({ pubsub_topic: 'full' });
    // As much as the whole spool may hold, so that what little room is left in it does not matter.
    const large = { user_id: 'u', event_type: 'page_viewed', payload: { text: 'x'.repeat(200_000) } };
    await tenant.post(BATCH, { events: Array.from({ length: 20 }, () => large) }).expect(503);

    clickhouse = await ClickHouseServer.start({ dataDir: join(dataDir, 'clickhouse'), port });
    await waitUntil(
      async () => (await tenant.post(TRACK, { user_id: 'after', event_type: 'page_viewed' })).status === 202,
      { timeoutMs: 40_000, everyMs: 100 },
    );
    acknowledged.push('after');
    await waitUntil(async () => Number(await ask('SELECT uniqExact(user_id) FROM events')) >= acknowledged.length, {
      timeoutMs: 40_000,
    });
    const [count, distinct, checksum] = (
      await ask('SELECT count(), uniqExact(user_id), sum(cityHash64(user_id)) FROM events')
    ).split('\t');
    expect([count, distinct]).toEqual([String(acknowledged.length), String(acknowledged.length)]);
    const list = acknowledged.map((id) => `'${id}'`).join();
    const response = await fetch(clickhouse.url, {
      method: 'POST',
      body: `SELECT sum(cityHash64(arrayJoin([${list}])))`,
    });
    expect((await response.text()).trim()).toBe(checksum);
    await waitUntil(async () => valueOf(await scrape(service), 'segops_queue_refusing') === 0);
    await expect(redis.info('errorstats')).resolves.not.toContain('OOM');
  });
});
