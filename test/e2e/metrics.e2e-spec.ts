import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import request from 'supertest';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { uuid7 } from '../../src/common/uuid7.js';
import { EventTransport } from '../../src/transport/event-transport.js';
import { EventWriter } from '../../src/warehouse/event.writer.js';
import { BatchRefusedError } from '../../src/warehouse/warehouse.errors.js';
import { valueOf } from '../support/prometheus.js';
import { scrape } from '../support/scrape.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';
import { isTestedOn } from '../support/queue-under-test.js';
import { waitUntil } from '../support/wait-until.js';

const TRACK = '/api/ingestion/track/';
const BATCH = '/api/ingestion/track/batch/';
const DOCKER = join(__dirname, '../../docker');
const event = { user_id: 'u1', event_type: 'page_viewed' };

describe('metrics', () => {
  let service: TestService;
  let tenant: TestTenant;
  let before: string;

  beforeAll(async () => {
    service = await startService({ HOST: '127.0.0.1', METRICS_PORT: '0' });
  });
  beforeEach(async () => {
    tenant = await service.createTenant();
    before = await scrape(service);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    await service.stop();
  });

  const increaseIn = (text: string, series: string) => (valueOf(text, series) ?? 0) - (valueOf(before, series) ?? 0);
  const increaseOf = async (series: string) => increaseIn(await scrape(service), series);
  const untilIncreasedBy = (count: number, series: string) =>
    waitUntil(async () => (await increaseOf(series)) === count);

  it('should count events by route and outcome, and those that are stored', async () => {
    await tenant.post(TRACK, event).expect(202);
    await tenant.post(TRACK, { ...event, user_id: '' }).expect(400);
    await tenant.post(BATCH, { events: [event, event, { ...event, event_type: 'Page Viewed' }] }).expect(202);
    await untilIncreasedBy(3, 'segops_events_stored_total');

    const text = await scrape(service);
    const received = (route: string, outcome: string) =>
      increaseIn(text, `segops_events_received_total{route="${route}",outcome="${outcome}"}`);
    expect(received('track', 'accepted')).toBe(1);
    expect(received('track', 'skipped')).toBe(1);
    expect(received('batch', 'accepted')).toBe(2);
    expect(received('batch', 'skipped')).toBe(1);
    expect(received('shopify', 'accepted')).toBe(0);
    expect(increaseIn(text, 'segops_errors_recorded_total')).toBe(2);
    expect(increaseIn(text, 'segops_insert_rows_sum')).toBe(3);
    expect(increaseIn(text, 'segops_insert_bytes_sum')).toBeGreaterThan(100);
    expect(
      increaseIn(text, 'segops_insert_duration_seconds_count{table="events",outcome="ok"}'),
    ).toBeGreaterThanOrEqual(1);
  });

  it('should measure the time from acceptance to the warehouse', async () => {
    const began = Date.now();
    await tenant.post(TRACK, event).expect(202);
    await untilIncreasedBy(1, 'segops_ingestion_lag_seconds_count');
    const lag = await increaseOf('segops_ingestion_lag_seconds_sum');
    expect(lag).toBeGreaterThan(0);
    expect(lag).toBeLessThanOrEqual((Date.now() - began) / 1000);
  });

  it('should time requests by route, and not make a series of every path that is tried', async () => {
    await tenant.post(TRACK, event).expect(202);
    await request(service.url).get('/api/ingestion/track/').expect(405);
    await request(service.url).get('/wp-login.php?a=1').expect(404);
    await request(service.url).delete('/.env').expect(404);
    // Stored within this test: the next one counts what is stored.
    await untilIncreasedBy(1, 'segops_events_stored_total');
    const count = (labels: string) => `segops_http_request_duration_seconds_count{${labels}}`;
    await untilIncreasedBy(3, count('route="none",method="any",status="4xx"'));
    expect(await increaseOf(count('route="/api/ingestion/track",method="POST",status="2xx"'))).toBe(1);
    expect(await scrape(service)).not.toMatch(/wp-login|\.env/);
  });

  it('should count events that ClickHouse refuses', async () => {
    const refusal = new BatchRefusedError('117', 'INCORRECT_DATA');
    jest.spyOn(EventWriter.prototype, 'store').mockRejectedValue(refusal);
    await tenant.post(BATCH, { events: [event, event] }).expect(202);
    await untilIncreasedBy(2, 'segops_events_dead_lettered_total');
    expect(await increaseOf('segops_batches_delivered_total{outcome="dead_letter"}')).toBe(1);
    expect(await increaseOf('segops_events_stored_total')).toBe(0);
  });

  it('should have every metric that the dashboard and the alerts use', async () => {
    await tenant.post(TRACK, event).expect(202);
    await untilIncreasedBy(1, 'segops_events_stored_total');
    const names = new Set((await scrape(service)).match(/^\w+/gm));
    const files = await Promise.all(
      ['grafana/segops-dashboard.json', 'prometheus/alerts.yml'].map((file) => readFile(join(DOCKER, file), 'utf8')),
    );
    const used = new Set(files.flatMap((text) => text.match(/\b(?:segops|process|nodejs)_\w+/g) ?? []));
    expect(used.size).toBeGreaterThan(15);
    // Pub/Sub has no memory to run out of, and is durable.
    const ofRedis = ['segops_queue_memory_ratio', 'segops_queue_refusing', 'segops_queue_durable'];
    expect([...used].filter((name) => !names.has(name))).toEqual(isTestedOn('pubsub') ? ofRedis : []);
  });

  it('should explain every metric of its own, and every alert, to operators', async () => {
    const text = await readFile(join(__dirname, '../../docs/operations.md'), 'utf8');
    const names = [...(await scrape(service)).matchAll(/^# TYPE (segops_\w+)/gm)].map(([, name]) => name ?? '');
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
    const rules = await readFile(join(DOCKER, 'prometheus/alerts.yml'), 'utf8');
    const alerts = [...rules.matchAll(/alert: (\w+)/g)].map(([, name]) => name ?? '');
    expect(alerts.filter((name) => !text.includes(`### ${name}\n`))).toEqual([]);
  });

  it('should count deliveries that came to nothing', async () => {
    const batch = { id: uuid7(), type: 'events.of-a-newer-api', events: 1, rows: Buffer.from('row') };
    await service.app.get(EventTransport).publish(batch);
    await waitUntil(async () => (await increaseOf('segops_batches_delivered_total{outcome="redelivered"}')) > 0);
  });
});

describe('the dashboard and the alerts', () => {
  const read = (file: string) => readFile(join(DOCKER, file), 'utf8');
  const isBalanced = (expression: string) => {
    const closers: Record<string, string> = { '(': ')', '[': ']', '{': '}' };
    const open: string[] = [];
    for (const character of expression.replace(/"(?:[^"\\]|\\.)*"/g, '')) {
      const closer = closers[character];
      if (closer !== undefined) open.push(closer);
      else if (')]}'.includes(character) && open.pop() !== character) return false;
    }
    return open.length === 0;
  };

  it('should be a dashboard that Grafana can import', async () => {
    const { uid, title, panels } = JSON.parse(await read('grafana/segops-dashboard.json')) as {
      uid: string;
      title: string;
      panels: {
        id: number;
        type: string;
        title: string;
        gridPos: object;
        targets?: { refId: string; expr: string }[];
      }[];
    };
    expect([uid, title]).toEqual(['segops-ingestion', 'SegOps ingestion']);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { type, title, gridPos, targets = [] } of panels) {
      expect(gridPos).toEqual({
        x: expect.any(Number),
        y: expect.any(Number),
        w: expect.any(Number),
        h: expect.any(Number),
      });
      expect([title, targets.length > 0]).toEqual([title, type !== 'row']);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      expect(targets.filter(({ expr }) => !isBalanced(expr))).toEqual([]);
    }
  });

  it('should be rules that Prometheus can load, each with a summary and where to read on', async () => {
    const { groups } = load(await read('prometheus/alerts.yml')) as {
      groups: { name: string; rules: Record<string, unknown>[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(5);
    for (const { alert, expr, labels, annotations, ...rest } of rules) {
      expect(alert).toMatch(/^Segops[A-Za-z]+$/);
      expect([alert, isBalanced(String(expr))]).toEqual([alert, true]);
      expect(labels).toEqual({ severity: expect.stringMatching(/^(?:critical|warning)$/) as string });
      const runbook = `docs/operations.md#${String(alert).toLowerCase()}`;
      expect(annotations).toEqual({ summary: expect.any(String) as string, runbook });
      expect(rest).toEqual('for' in rest ? { for: expect.stringMatching(/^\d+[smh]$/) as string } : {});
    }
  });
});

describe('metrics of the queue', () => {
  // With a service and a queue of its own: what other tests have sent, events or recorded errors, would count too.
  it('should tell how long the queue is, and how old', async () => {
    const service = await startService({ HOST: '127.0.0.1', METRICS_PORT: '0' });
    const read = async (series: string) => valueOf(await scrape(service), series);
    try {
      const tenant = await service.createTenant();
      expect(await read('segops_queue_batches')).toBe(0);
      const store = jest.spyOn(EventWriter.prototype, 'store').mockRejectedValue(new Error('ClickHouse is away'));
      await tenant.post(TRACK, event).expect(202);
      await waitUntil(async () => ((await read('segops_queue_oldest_batch_age_seconds')) ?? 0) > 0.05);
      expect(await read('segops_queue_batches')).toBe(1);
      expect(await read('segops_queue_workers')).toBe(1);
      expect(await read('segops_queue_up')).toBe(1);

      store.mockRestore();
      await waitUntil(async () => (await read('segops_queue_batches')) === 0);
      expect(await read('segops_queue_oldest_batch_age_seconds')).toBe(0);
    } finally {
      jest.restoreAllMocks();
      await service.stop();
    }
  });
});

describe('metrics while Redis is away', () => {
  it('should say that the queue cannot be asked, and nothing else of it', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-metrics-'));
    const redis = await RedisServer.start({ dataDir });
    const service = await startService({
      HOST: '127.0.0.1',
      METRICS_PORT: '0',
      REDIS_URL: redis.url,
      SPOOL_MAX_BYTES: '0',
    });
    try {
      const tenant = await service.createTenant();
      expect(valueOf(await scrape(service), 'segops_queue_up')).toBe(1);
      await redis.kill();
      await tenant.post(TRACK, event).expect(503);
      const text = await scrape(service);
      expect(valueOf(text, 'segops_queue_up')).toBe(0);
      expect(valueOf(text, 'segops_queue_batches')).toBeUndefined();
      expect(valueOf(text, 'segops_events_received_total{route="track",outcome="unavailable"}')).toBe(1);

      await request(service.url).post('/api/auth/token/').send({ email: 'a@b.example', password: 'wrong' });
      const after = await scrape(service);
      expect(valueOf(after, 'segops_limiter_failures_total{limiter="login"}')).toBe(1);
    } finally {
      await service.stop();
      await redis.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  it('should tell what is in the spool, and since when', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-metrics-'));
    const redis = await RedisServer.start({ dataDir });
    const service = await startService({ HOST: '127.0.0.1', METRICS_PORT: '0', REDIS_URL: redis.url });
    try {
      const tenant = await service.createTenant();
      const read = async (name: string) => valueOf(await scrape(service), name);
      expect(await read('segops_spool_batches')).toBe(0);
      await redis.kill();
      await tenant.post(TRACK, event).expect(202);
      expect(await read('segops_spool_batches')).toBe(1);
      expect(await read('segops_spool_bytes')).toBe(4096);
      expect(await read('segops_spool_max_bytes')).toBe(1_073_741_824);
      await waitUntil(async () => ((await read('segops_spool_oldest_batch_age_seconds')) ?? 0) > 0.05);
      expect(await read('segops_queue_up')).toBe(0);
      expect(await read('segops_events_received_total{route="track",outcome="accepted"}')).toBe(1);
    } finally {
      await service.stop();
      await redis.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});
