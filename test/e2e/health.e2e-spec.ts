import request from 'supertest';
import { EventTransport } from '../../src/transport/event-transport.js';
import { uuid7 } from '../../src/common/uuid7.js';
import { startService, type TestService } from '../support/service.js';
import { freshRedisPrefix } from '../support/servers.js';
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
        return { kind: 'stored' };
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
        return fails ? Promise.reject(new Error('This handler never works')) : Promise.resolve({ kind: 'stored' });
      },
      { concurrency: 1 },
    );
    const elevenSecondsAgo = Date.now() - 11_000;
    await transport.publish({ id: uuid7(elevenSecondsAgo), type: 'events.v1', events: 1, rows: Buffer.alloc(1) });
    await waitUntil(() => attempts > 0);
    const states: string[] = [];
    while (attempts < 3) states.push(await workerState());
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
