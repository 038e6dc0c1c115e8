import { randomBytes } from 'node:crypto';
import { uuid7 } from '../../src/common/uuid7.js';
import type { EventBatch } from '../../src/transport/event-batch.js';
import type {
  BatchHandler,
  BatchOutcome,
  ConsumeOptions,
  EventTransport,
} from '../../src/transport/event-transport.js';
import { waitUntil } from '../support/wait-until.js';
import { QueueBench, type TestQueue } from './queue.bench.js';

const ROW_BYTES = 16;
const STORED: BatchOutcome = { kind: 'stored' };
const COMBINING: ConsumeOptions = { concurrency: 64, combinable: new Set(['events.v1']) };

/** A batch of one row, by which it is known in whatever batch it is delivered. */
export const newRow = (type = 'events.v1'): EventBatch => ({
  id: uuid7(),
  type,
  events: 1,
  rows: randomBytes(ROW_BYTES),
});

/** The rows of any batch, as text. */
export function rowsOf({ rows }: EventBatch): string[] {
  const bytes = Buffer.from(rows);
  return Array.from({ length: bytes.length / ROW_BYTES }, (_, i) =>
    bytes.toString('hex', i * ROW_BYTES, (i + 1) * ROW_BYTES),
  );
}

/** Under which ids each row was delivered. */
export class SeenRows {
  readonly idsByRow = new Map<string, Set<string>>();
  private readonly bytesById = new Map<string, string>();

  see(batch: EventBatch): void {
    const bytes = Buffer.from(batch.rows).toString('hex');
    expect(this.bytesById.get(batch.id) ?? bytes).toBe(bytes);
    this.bytesById.set(batch.id, bytes);
    expect(batch.events).toBe(rowsOf(batch).length);
    for (const row of rowsOf(batch)) {
      this.idsByRow.set(row, (this.idsByRow.get(row) ?? new Set()).add(batch.id));
    }
  }

  /** Rows that were delivered under several ids, by which they would be stored several times. */
  get inSeveralBatches(): string[] {
    return [...this.idsByRow].filter(([, ids]) => ids.size > 1).map(([row]) => row);
  }
}

/** What an adapter promises that delivers several batches as one: every row is in one batch, whatever happens. */
export function describeCombining(name: string, startQueue: () => Promise<TestQueue>): void {
  describe(`EventTransport on ${name}, where batches may be combined`, () => {
    const bench = new QueueBench(startQueue);
    let transport: EventTransport;

    const consume = (handler: BatchHandler, options = COMBINING) => bench.consume(transport, handler, options);
    const publishAll = async (batches: readonly EventBatch[]) => {
      // In portions: each is to be on disk within the deadline of one, also on a busy machine.
      for (let from = 0; from < batches.length; from += 20) {
        await Promise.all(batches.slice(from, from + 20).map((batch) => transport.publish(batch)));
      }
    };
    const isEmpty = async () => (await transport.status()).pending === 0;

    beforeEach(async () => {
      transport = await bench.connect();
    });

    it('should deliver what waits in fewer batches, and each row once', async () => {
      const batches = Array.from({ length: 200 }, () => newRow());
      await publishAll(batches);
      const delivered: EventBatch[] = [];
      await consume((batch) => {
        delivered.push(batch);
        return Promise.resolve(STORED);
      });
      await waitUntil(isEmpty, { timeoutMs: 20_000 });
      expect(delivered.flatMap(rowsOf).sort()).toEqual(batches.flatMap(rowsOf).sort());
      expect(delivered.reduce((sum, { events }) => sum + events, 0)).toBe(200);
      expect(delivered.length).toBeLessThan(50);
    });

    it('should deliver one that comes alone at once, as it is', async () => {
      const delivered: EventBatch[] = [];
      await consume((batch) => {
        delivered.push(batch);
        return Promise.resolve(STORED);
      });
      const batch = newRow();
      await transport.publish(batch);
      await waitUntil(() => delivered.length === 1);
      expect(delivered[0]!.id).toBe(batch.id);
    });

    it('should leave other types as they are', async () => {
      const batches = Array.from({ length: 50 }, (_, i) => newRow(i % 2 === 0 ? 'events.v1' : 'errors.v1'));
      await publishAll(batches);
      const delivered: EventBatch[] = [];
      await consume((batch) => {
        delivered.push(batch);
        return Promise.resolve(STORED);
      });
      await waitUntil(isEmpty);
      const idsOf = (list: readonly EventBatch[]) =>
        list.filter(({ type }) => type === 'errors.v1').map(({ id }) => id);
      expect(idsOf(delivered).sort()).toEqual(idsOf(batches).sort());
      expect(delivered.flatMap(rowsOf).sort()).toEqual(batches.flatMap(rowsOf).sort());
    });

    it('should deliver a row again in the same batch, however often that fails', async () => {
      const batches = Array.from({ length: 100 }, () => newRow());
      const seen = new SeenRows();
      const failures = new Map<string, number>();
      const stored = new Set<string>();
      await publishAll(batches);
      await consume((batch) => {
        seen.see(batch);
        const failed = failures.get(batch.id) ?? 0;
        failures.set(batch.id, failed + 1);
        if (failed < 2) return Promise.reject(new Error('not now'));
        for (const row of rowsOf(batch)) stored.add(row);
        return Promise.resolve(STORED);
      });
      await waitUntil(() => stored.size === 100, { timeoutMs: 30_000 });
      await waitUntil(isEmpty);
      expect(seen.inSeveralBatches).toEqual([]);
    });

    it('should deliver a row again in the same batch when the queue crashes', async () => {
      const batches = Array.from({ length: 100 }, () => newRow());
      const seen = new SeenRows();
      await publishAll(batches);
      let crashed = (): void => undefined;
      const crash = new Promise<void>((resolve) => (crashed = resolve));
      let isDead = false;
      let deliveries = 0;
      const before = await consume(async (batch) => {
        if (isDead) throw new Error('its worker is dead');
        deliveries++;
        seen.see(batch);
        await crash;
        throw new Error('its worker died');
      });
      // The second group is a combined one.
      await waitUntil(() => deliveries > 1);
      isDead = true;
      await bench.queue.crash();
      crashed();
      await before.close();

      transport = await bench.connect();
      const stored = new Set<string>();
      await consume((batch) => {
        seen.see(batch);
        for (const row of rowsOf(batch)) stored.add(row);
        return Promise.resolve(STORED);
      });
      await waitUntil(() => stored.size === 100, { timeoutMs: 30_000 });
      await waitUntil(isEmpty);
      expect(seen.inSeveralBatches).toEqual([]);
    });

    it('should bury a combined batch as one, and deliver it again as it was', async () => {
      const batches = Array.from({ length: 30 }, () => newRow());
      await publishAll(batches);
      const seen = new SeenRows();
      let isRefusing = true;
      await consume((batch) => {
        seen.see(batch);
        return Promise.resolve(isRefusing ? { kind: 'dead-letter', reason: 'unreadable' } : STORED);
      });
      await waitUntil(isEmpty);
      const letters = await transport.deadLetters.list({ limit: 100 });
      expect(letters.reduce((sum, { events }) => sum + events, 0)).toBe(30);
      isRefusing = false;
      for (const { id } of letters) expect(await transport.deadLetters.replay(id)).toBe(true);
      await waitUntil(isEmpty);
      expect([...seen.idsByRow.keys()].sort()).toEqual(batches.flatMap(rowsOf).sort());
      expect(seen.inSeveralBatches).toEqual([]);
    });
  });
}
