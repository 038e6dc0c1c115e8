import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { waitUntil } from '../../test/support/wait-until.js';
import { RedisServer } from '../embedded/redis.server.js';
import { ErrorMetrics } from '../metrics/api.metrics.js';
import { BullMqTransport } from '../transport/bullmq/bullmq.transport.js';
import type { EventBatch } from '../transport/event-batch.js';
import { EventTransport, STORED, TransportUnavailableError } from '../transport/event-transport.js';
import { KEPT_A_MINUTE } from './error.rate.js';
import { ErrorRecorder } from './error.recorder.js';
import type { RecordedError } from './recorded-error.js';

interface Line {
  readonly tenant_id: string;
  readonly error_type: string;
  readonly source: string;
  readonly detail: string;
  readonly user_id: string;
}

const linesOf = (batches: readonly EventBatch[]): Line[] =>
  batches.flatMap(({ rows }) =>
    Buffer.from(rows)
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line),
  );

const error = (changes: Partial<RecordedError> = {}): RecordedError => ({
  tenantId: 'acme',
  ts: Date.now(),
  errorType: 'validation_failed',
  source: 'batch',
  detail: 'user_id is required.',
  ...changes,
});

/** How many errors the rows tell of: themselves, or the number that a summary gives. */
const toldBy = (lines: readonly Line[]): number =>
  lines.reduce((sum, { detail }) => {
    const more = /^… and ([\d,]+) more/.exec(detail)?.[1];
    return sum + (more === undefined ? 1 : Number(more.replaceAll(',', '')));
  }, 0);

/** Takes or refuses at the test's word, within the test's own time: here the moments matter, not the queue. */
class SwitchedTransport extends EventTransport {
  override get deadLetters(): never {
    throw new Error('not used');
  }

  readonly taken: EventBatch[] = [];
  readonly refused: EventBatch[] = [];
  isAway = false;

  publish(batch: EventBatch): Promise<[]> {
    (this.isAway ? this.refused : this.taken).push(batch);
    return this.isAway ? Promise.reject(new TransportUnavailableError('away')) : Promise.resolve([]);
  }

  forget(): never {
    throw new Error('not used');
  }

  consume(): never {
    throw new Error('not used');
  }

  status(): never {
    throw new Error('not used');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

describe('ErrorRecorder', () => {
  let transport: SwitchedTransport;
  let recorder: ErrorRecorder;

  beforeEach(() => {
    jest.useFakeTimers({ now: 1_790_000_000_000 });
    transport = new SwitchedTransport();
    recorder = new ErrorRecorder(transport, new ErrorMetrics(new Registry()));
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
  const record = (count: number, changes: Partial<RecordedError> = {}) => {
    for (let i = 0; i < count; i++) recorder.record(error(changes));
  };

  it('should send what was recorded in half a second as one batch', async () => {
    record(3);
    await pass(400);
    record(2, { tenantId: 'globex' });
    expect(transport.taken).toEqual([]);
    await pass(100);

    expect(transport.taken.map(({ type, events }) => ({ type, events }))).toEqual([{ type: 'errors.v1', events: 5 }]);
    expect(linesOf(transport.taken).map(({ tenant_id }) => tenant_id)).toEqual([
      ...['acme', 'acme', 'acme'],
      ...['globex', 'globex'],
    ]);
  });

  it('should send 500 at once, and never more than that in a batch', async () => {
    for (let tenant = 0; tenant < 12; tenant++) record(KEPT_A_MINUTE, { tenantId: `t${tenant}` });
    await pass(0);
    expect(transport.taken.map(({ events }) => events)).toEqual([500, 500]);
    await pass(500);
    expect(transport.taken.map(({ events }) => events)).toEqual([500, 500, 200]);
  });

  it('should record texts only, bounded and clean', async () => {
    recorder.record(error({ detail: 'd'.repeat(5_000), userId: { an: 'object' }, eventType: ['list'] }));
    recorder.record(error({ userId: `\u0000${'u'.repeat(300)}`, eventType: 'e\ud800'.repeat(300), requestId: 'r-1' }));
    await pass(500);

    expect(linesOf(transport.taken)).toEqual([
      expect.objectContaining({ detail: 'd'.repeat(500), user_id: '', event_type: '', request_id: '' }),
      expect.objectContaining({ user_id: 'u'.repeat(255), event_type: 'e'.repeat(100), request_id: 'r-1' }),
    ]);
  });

  it('should keep 100 a minute of a tenant and type, and tell the number of the others at its end', async () => {
    record(12_445);
    record(3, { errorType: 'schema_violation', source: 'track' });
    record(101, { tenantId: 'globex' });
    await pass(59_000);
    expect(linesOf(transport.taken)).toHaveLength(100 + 3 + 100);
    await pass(2_000);

    expect(linesOf(transport.taken).slice(203)).toEqual([
      expect.objectContaining({
        tenant_id: 'acme',
        error_type: 'validation_failed',
        source: 'batch',
        detail: '… and 12,345 more of this type in the last minute',
      }),
      expect.objectContaining({ tenant_id: 'globex', detail: '… and 1 more of this type in the last minute' }),
    ]);
  });

  it('should keep one a minute of a topic, and tell the number of the others topic by topic', async () => {
    record(40, {
      errorType: 'webhook_unmapped',
      source: 'shopify',
      topic: 'products/update',
      detail: 'products/update',
    });
    record(1, { errorType: 'webhook_unmapped', source: 'shopify', topic: 'themes/update', detail: 'themes/update' });
    await pass(61_000);

    expect(linesOf(transport.taken).map(({ detail }) => detail)).toEqual([
      ...['products/update', 'themes/update'],
      '… and 39 more of the topic products/update in the last minute',
    ]);
  });

  it('should bound what it remembers of ever new topics, and still account for every one', async () => {
    for (let i = 0; i < 3_000; i++) record(2, { errorType: 'webhook_unmapped', source: 'shopify', topic: `t/${i}` });
    await pass(61_000);

    const lines = linesOf(transport.taken);
    expect(lines.length).toBeLessThan(600);
    expect(toldBy(lines)).toBe(6_000);
  });

  it('should keep 100 again in the next minute, and be silent when nothing was left out', async () => {
    record(KEPT_A_MINUTE);
    await pass(61_000);
    record(KEPT_A_MINUTE);
    await pass(61_000);

    expect(linesOf(transport.taken)).toHaveLength(2 * KEPT_A_MINUTE);
  });

  it('should send a refused batch again as it was, under the same id', async () => {
    transport.isAway = true;
    record(5);
    await pass(500);
    record(1);
    await pass(3_000);
    expect(transport.refused.length).toBeGreaterThan(2);
    transport.isAway = false;
    await pass(2_000);

    const [first, second] = transport.taken;
    expect(transport.refused.every(({ id, rows }) => id === first!.id && rows === first!.rows)).toBe(true);
    expect([first!.events, second!.events]).toEqual([5, 1]);
  });

  it('should drop the oldest when the queue stays away, and still account for every one', async () => {
    transport.isAway = true;
    for (let tenant = 0; tenant < 200; tenant++) record(150, { tenantId: `t${tenant}` });
    await pass(10 * 60_000);
    expect(transport.refused.length).toBeLessThan(700);
    transport.isAway = false;
    await pass(2 * 60_000);

    const lines = linesOf(transport.taken);
    expect(lines.length).toBeLessThan(7_000);
    expect(toldBy(lines)).toBe(200 * 150);
  });

  it('should bound what it remembers of ever new tenants', async () => {
    for (let tenant = 0; tenant < 30_000; tenant++) record(2, { tenantId: `t${tenant}` });
    await pass(3 * 60_000);

    expect(toldBy(linesOf(transport.taken))).toBe(20_000);
  });

  it('should send at shutdown what waits and what was left out, and then what comes in at once', async () => {
    record(130);
    await recorder.close();
    expect(toldBy(linesOf(transport.taken))).toBe(130);
    record(1);
    await pass(1);

    expect(toldBy(linesOf(transport.taken))).toBe(131);
  });

  it('should not hold up the shutdown when the queue is away', async () => {
    transport.isAway = true;
    record(130);
    await recorder.close();
    const { length } = transport.refused;
    await pass(60_000);

    expect(transport.refused).toHaveLength(length);
  });

  it('should not hold up the shutdown for more than 2 s when the queue hangs', async () => {
    jest.spyOn(transport, 'publish').mockReturnValue(new Promise(() => undefined));
    record(1);
    let isDown = false;
    void recorder.close().then(() => (isDown = true));
    await pass(1_900);
    expect(isDown).toBe(false);
    await pass(200);

    expect(isDown).toBe(true);
  });
});

describe('ErrorRecorder and a Redis that dies', () => {
  it('should deliver what was recorded meanwhile, each once, when it is back', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-errors-'));
    let redis = await RedisServer.start({ dataDir });
    const transport = new BullMqTransport({ redisUrl: redis.url, prefix: 'errors' });
    const published = jest.spyOn(transport, 'publish');
    const recorder = new ErrorRecorder(transport, new ErrorMetrics(new Registry()));
    const delivered: EventBatch[] = [];
    try {
      const { port } = redis;
      await redis.kill();
      for (let i = 0; i < 3; i++) recorder.record(error({ userId: `u${i}` }));
      await waitUntil(() => published.mock.calls.length > 0);
      recorder.record(error({ userId: 'late' }));
      redis = await RedisServer.start({ dataDir, port });
      const consumption = await transport.consume(
        ({ batch }) => {
          delivered.push(batch);
          return Promise.resolve(STORED);
        },
        { concurrency: 4 },
      );
      await waitUntil(() => linesOf(delivered).length >= 4);
      await consumption.close();
    } finally {
      await recorder.close();
      await transport.close();
      await redis.stop();
      await rm(dataDir, { recursive: true, force: true });
    }

    expect(
      linesOf(delivered)
        .map(({ user_id }) => user_id)
        .sort(),
    ).toEqual(['late', 'u0', 'u1', 'u2']);
  });
});
