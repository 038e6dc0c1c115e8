import { ClickHouseClient } from '@clickhouse/client';
import { Redis } from 'ioredis';
import request from 'supertest';
import { EventTransport, STORED } from '../../src/transport/event-transport.js';
import { uuid7 } from '../../src/common/uuid7.js';
import { Warehouse } from '../../src/warehouse/warehouse.js';
import { valueOf } from '../support/prometheus.js';
import { commandsDuring } from '../support/redis.monitor.js';
import { scrape } from '../support/scrape.js';
import { isTestedOn } from '../support/queue-under-test.js';
import { startService, type TestService } from '../support/service.js';
import { freshRedisPrefix, sharedRedisUrl } from '../support/servers.js';
import { waitUntil } from '../support/wait-until.js';

describe('health', () => {
  let service: TestService;

  afterEach(() => service.stop());

  const health = () => request(service.url).get('/api/ingestion/health/');

  const workerState = async () => ((await health()).body as { worker: string }).worker;

  it('should say ok for each part of a service that works, to anyone', async () => {
    service = await startService();
    await waitUntil(async () => (await health()).status === 200);
    const response = await health();
    expect(response.body).toEqual({ pubsub_topic: 'ok', worker: 'ok', clickhouse: 'ok' });
    await request(service.url).get('/api/ingestion/health').expect(200);
    expect(response.headers['content-type']).toMatch(/^application\/json/);
  });

  it('should ask the queue and ClickHouse once for all who ask at about the same time, on clients of its own', async () => {
    const prefix = freshRedisPrefix();
    service = await startService({ ROLE: 'api', QUEUE_PREFIX: prefix });
    const redis = new Redis(sharedRedisUrl());
    await waitUntil(() => redis.status === 'ready');
    const status = jest.spyOn(service.app.get(EventTransport), 'status');
    const ping = jest.spyOn(service.app.get(Warehouse), 'ping');
    const inserts = jest.spyOn(service.app.get(ClickHouseClient), 'query');
    const commands = await commandsDuring(redis, async () => {
      for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 40 }, health));
    });
    const asked = commands.filter(
      ({ source, words }) => source !== 'lua' && words.includes(`${prefix}:events:segops:consumers`),
    );
    redis.disconnect();
    // One a second, for 200 probes.
    expect(status.mock.calls.length).toBeLessThan(20);
    expect(ping).toHaveBeenCalledTimes(status.mock.calls.length);
    // Pub/Sub's workers are counted under other keys.
    if (isTestedOn('bullmq')) expect(asked).toHaveLength(status.mock.calls.length);
    expect(inserts).not.toHaveBeenCalled();
    jest.restoreAllMocks();
  });

  it('should say that the spool’s disk is full, before the spool is needed', async () => {
    const lines: string[] = [];
    const take = (line: unknown): void => {
      lines.push(String(line));
    };
    const logger = { log: take, error: take, warn: take, debug: take, verbose: take, fatal: take };
    const settings = { ROLE: 'api', SPOOL_MIN_FREE_BYTES: '1000000000000000', HOST: '127.0.0.1', METRICS_PORT: '0' };
    service = await startService(settings, { logger });
    const response = await health();
    expect(response.status).toBe(503);
    expect(response.body).toMatchObject({ pubsub_topic: 'ok', spool: 'full' });
    expect(valueOf(await scrape(service), 'segops_spool_free_bytes')).toBe(0);
    expect(lines.filter((line) => line.includes('The spool takes no more batches'))).toHaveLength(1);
  });

  it('should say that the worker is down when there is none', async () => {
    service = await startService({ ROLE: 'api' });
    const response = await health();
    expect(response.status).toBe(503);
    expect(response.body).toMatchObject({ pubsub_topic: 'ok', worker: 'down' });
  });

  it('should see the worker of another process', async () => {
    const prefix = freshRedisPrefix();
    service = await startService({ ROLE: 'api', QUEUE_PREFIX: prefix });
    const worker = await startService({ ROLE: 'worker', QUEUE_PREFIX: prefix });
    await waitUntil(async () => (await workerState()) === 'ok');
    await worker.stop();
    await waitUntil(async () => (await workerState()) === 'down');
  });

  it('should say that the worker is stalled when it takes and never finishes', async () => {
    service = await startService({ ROLE: 'api' });
    const transport = service.app.get(EventTransport);
    let finish: (() => void) | undefined;
    const consumption = await transport.consume(
      async () => {
        await new Promise<void>((resolve) => (finish = resolve));
        return STORED;
      },
      { concurrency: 1 },
    );
    const elevenSecondsAgo = Date.now() - 11_000;
    await transport.publish({ id: uuid7(elevenSecondsAgo), type: 'events.v1', events: 1, rows: Buffer.alloc(1) });
    await waitUntil(() => finish !== undefined);
    await waitUntil(async () => (await workerState()) === 'stalled');
    finish?.();
    await waitUntil(async () => (await workerState()) === 'ok');
    await consumption.close();
  });

  it('should say that the worker is stalled while all it does is fail, between the attempts too', async () => {
    service = await startService({ ROLE: 'api' });
    const transport = service.app.get(EventTransport);
    let attempts = 0;
    let fails = true;
    const consumption = await transport.consume(
      () => {
        attempts++;
        return fails ? Promise.reject(new Error('This handler never works')) : Promise.resolve(STORED);
      },
      { concurrency: 1 },
    );
    const elevenSecondsAgo = Date.now() - 11_000;
    await transport.publish({ id: uuid7(elevenSecondsAgo), type: 'events.v1', events: 1, rows: Buffer.alloc(1) });
    await waitUntil(() => attempts > 0);
    await waitUntil(async () => (await workerState()) === 'stalled');
    const attemptsBefore = attempts;
    const states: string[] = [];
    while (attempts < attemptsBefore + 2) states.push(await workerState());
    expect(states.length).toBeGreaterThan(2);
    expect(new Set(states)).toEqual(new Set(['stalled']));

    fails = false;
    await waitUntil(async () => (await workerState()) === 'ok');
    await consumption.close();
  });

  it('should serve the routes of a worker, and none of the API', async () => {
    service = await startService({ ROLE: 'worker' });
    await request(service.url).get('/livez').expect(200, { status: 'ok' });
    await request(service.url).get('/readyz/').expect(200, { status: 'ok' });
    await request(service.url).post('/api/ingestion/track/').expect(404);
  });

  it('should turn unready as soon as shutdown starts', async () => {
    service = await startService({ ROLE: 'api' });
    await request(service.url).get('/readyz').expect(200);
    const { Readiness } = await import('../../src/health/readiness.js');
    service.app.get(Readiness).end();
    const response = await request(service.url).get('/readyz');
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toBeDefined();
    await request(service.url).get('/livez').expect(200);
  });
});
