import { randomBytes } from 'node:crypto';
import { uuid7 } from '../../src/common/uuid7.js';
import type { Delivery, EventBatch } from '../../src/transport/event-batch.js';
import {
  type BatchHandler,
  type ConsumeOptions,
  type Consumption,
  type EventTransport,
  STORED,
  TransportUnavailableError,
} from '../../src/transport/event-transport.js';
import type { RetryNote } from '../../src/transport/retry-notes.js';
import { waitUntil } from '../support/wait-until.js';
import { QueueBench, type TestBroker, type TestQueue, untilReady } from './queue.bench.js';

const ONE_AT_A_TIME: ConsumeOptions = { concurrency: 1 };

const newBatch = (rows: Uint8Array = randomBytes(64), id = uuid7()): EventBatch => ({
  id,
  type: 'events.v1',
  events: 1,
  rows,
});
const MINUTE_MS = 60_000;

/**
 * What every adapter of {@link EventTransport} promises, tried on a real queue.
 * @param tellsFirst whether it can tell that a delivery is the first
 */
export function describeTransport(
  name: string,
  startQueue: () => Promise<TestQueue>,
  { tellsFirst } = { tellsFirst: true },
): void {
  describe(`EventTransport on ${name}`, () => {
    const bench = new QueueBench(startQueue);
    let transport: EventTransport;

    const consume = (handler: BatchHandler, options = ONE_AT_A_TIME, on = transport): Promise<Consumption> =>
      bench.consume(on, handler, options);
    const publishNew = async (): Promise<EventBatch> => {
      const batch = newBatch();
      await transport.publish(batch);
      return batch;
    };
    /** Waits until the queue has nothing left, and a batch that was published after that has come. */
    const untilAllCame = async (delivered: () => readonly string[]): Promise<string> => {
      await waitUntil(async () => (await transport.status()).pending === 0);
      const last = newBatch();
      await transport.publish(last);
      await waitUntil(() => delivered().includes(last.id));
      return last.id;
    };
    const crash = async (): Promise<void> => {
      await bench.queue.crash();
      transport = await bench.connect();
    };

    beforeEach(async () => {
      transport = await bench.connect();
    });

    it('should deliver a batch as it was published, byte for byte', async () => {
      const batch = newBatch(Uint8Array.from({ length: 256 * 1024 }, (_, i) => i % 256));
      const delivered: EventBatch[] = [];
      await transport.publish(batch);
      await consume(({ batch: received }) => {
        delivered.push(received);
        return Promise.resolve(STORED);
      });
      await waitUntil(() => delivered.length === 1);
      expect({ ...delivered[0], rows: undefined }).toEqual({ ...batch, rows: undefined });
      expect(Buffer.compare(delivered[0]!.rows, batch.rows)).toBe(0);
    });

    it('should deliver every one of many batches, shared among several consumers', async () => {
      const batches = Array.from({ length: 400 }, () => newBatch());
      const deliveries = new Map<string, number>();
      const handler: BatchHandler = ({ batch: { id } }) => {
        deliveries.set(id, (deliveries.get(id) ?? 0) + 1);
        return Promise.resolve(STORED);
      };
      await consume(handler, { concurrency: 8 });
      await consume(handler, { concurrency: 8 }, await bench.connect());
      await Promise.all(batches.map((batch) => transport.publish(batch)));
      await waitUntil(() => deliveries.size === batches.length);
      await waitUntil(async () => (await transport.status()).pending === 0);
      expect([...deliveries.values()].every((count) => count === 1)).toBe(true);
    });

    it('should never lose a batch that it acknowledged, when the queue crashes right after', async () => {
      const batches = Array.from({ length: 50 }, () => newBatch());
      await Promise.all(batches.map((batch) => transport.publish(batch)));
      await crash();
      const delivered = new Set<string>();
      await consume(({ batch: { id } }) => {
        delivered.add(id);
        return Promise.resolve(STORED);
      });
      await waitUntil(() => delivered.size === batches.length, { timeoutMs: 20_000 });
    });

    it('should deliver again what the handler could not store', async () => {
      const { id } = await publishNew();
      const delivered: string[] = [];
      await consume(({ batch }) => {
        delivered.push(batch.id);
        return delivered.length < 3 ? Promise.reject(new Error('not now')) : Promise.resolve(STORED);
      });
      await waitUntil(() => delivered.length === 3, { timeoutMs: 20_000 });
      const last = await untilAllCame(() => delivered);
      expect(delivered).toEqual([id, id, id, last]);
    });

    it('should let other batches pass one that fails', async () => {
      const failing = newBatch();
      const stored: string[] = [];
      await transport.publish(failing);
      await consume(({ batch: { id } }) => {
        if (id === failing.id) return Promise.reject(new Error('not now'));
        stored.push(id);
        return Promise.resolve(STORED);
      });
      const good = newBatch();
      await transport.publish(good);
      await waitUntil(() => stored.includes(good.id));
    });

    it('should not deliver a dead letter again', async () => {
      const { id } = await publishNew();
      const delivered: string[] = [];
      await consume(({ batch }) => {
        delivered.push(batch.id);
        return Promise.resolve({ deadLetters: [{ batch, tenantId: undefined, reason: 'unreadable' }] });
      });
      await waitUntil(() => delivered.length > 0);
      const last = await untilAllCame(() => delivered);
      expect(delivered).toEqual([id, last]);
    });

    describe('dead letters', () => {
      const refuse =
        (tenantId?: string): BatchHandler =>
        ({ batch }) =>
          Promise.resolve({ deadLetters: [{ batch, tenantId, reason: 'unreadable' }] });
      const listed = async (tenantId?: string) =>
        (await transport.deadLetters.list({ tenantId, limit: 100 })).map(({ id }) => id);
      /** Publishes batches, one after the other, and waits until all are dead letters. */
      const bury = async (batches: readonly EventBatch[], tenantId?: string): Promise<void> => {
        const consumption = await consume(refuse(tenantId));
        for (const batch of batches) {
          await transport.publish(batch);
          await waitUntil(async () => (await listed()).includes(batch.id));
        }
        await waitUntil(async () => (await transport.status()).pending === 0);
        await consumption.close();
      };

      it('should be kept as they were, beside the queue, over a crash', async () => {
        const batch = { ...newBatch(Uint8Array.from({ length: 256 * 1024 }, (_, i) => i % 256)), events: 7 };
        const began = Date.now();
        await bury([batch], 'acme');
        await crash();

        const { id, type, events } = batch;
        const diedAt = expect.any(Number) as number;
        const [summary, ...others] = await transport.deadLetters.list({ limit: 100 });
        expect(others).toEqual([]);
        expect(summary).toEqual({ id, type, events, tenantId: 'acme', reason: 'unreadable', diedAt });
        expect(summary!.diedAt).toBeGreaterThanOrEqual(began);
        expect(summary!.diedAt).toBeLessThanOrEqual(Date.now());
        const letter = await transport.deadLetters.get(id);
        expect(letter).toEqual({
          batch: { ...batch, rows: expect.anything() },
          tenantId: 'acme',
          reason: 'unreadable',
          diedAt,
        });
        expect(Buffer.compare(letter!.batch.rows, batch.rows)).toBe(0);
        expect(await transport.status()).toMatchObject({ pending: 0, oldestPendingMs: 0 });
      });

      it('should be listed oldest first, each tenant’s apart, and no more than asked for', async () => {
        const [first, second, third] = [newBatch(), newBatch(), newBatch()];
        await bury([third], 'acme');
        await bury([first], 'globex');
        await bury([second]);
        expect(await listed()).toEqual([third.id, first.id, second.id]);
        expect(await listed('acme')).toEqual([third.id]);
        expect(await listed('globex')).toEqual([first.id]);
        expect(await listed('nobody')).toEqual([]);
        expect(await transport.deadLetters.list({ limit: 2 })).toHaveLength(2);
        expect((await transport.deadLetters.get(second.id))!.tenantId).toBeUndefined();
      });

      it('should be delivered again as they were when they are replayed, not as the first time, and be gone', async () => {
        const batch = newBatch();
        await bury([batch], 'acme');
        expect(await transport.deadLetters.replay(batch.id)).toBe(true);
        expect([await listed(), await listed('acme')]).toEqual([[], []]);
        expect(await transport.deadLetters.get(batch.id)).toBeUndefined();
        expect(await transport.deadLetters.replay(batch.id)).toBe(false);
        expect(await transport.status()).toMatchObject({ pending: 1 });

        const delivered: Delivery[] = [];
        await consume((delivery) => {
          delivered.push(delivery);
          return Promise.resolve(STORED);
        });
        await waitUntil(async () => delivered.length > 0 && (await transport.status()).pending === 0);
        expect(delivered).toEqual([
          { batch: expect.objectContaining({ ...batch, rows: expect.anything() }) as EventBatch, isFirst: false },
        ]);
        expect(Buffer.compare(delivered[0]!.batch.rows, batch.rows)).toBe(0);
      });

      it('should be there again when they are refused again, however quickly', async () => {
        const batch = newBatch();
        let deliveries = 0;
        await consume((delivery) => {
          deliveries++;
          return refuse('acme')(delivery);
        });
        await transport.publish(batch);
        // At once, while its earlier delivery may still be coming to its end.
        for (let replays = 1; replays <= 50; replays++) {
          await waitUntil(() => transport.deadLetters.replay(batch.id), { everyMs: 0 });
        }
        await waitUntil(async () => (await transport.status()).pending === 0);
        expect(await listed('acme')).toEqual([batch.id]);
        expect(deliveries).toBe(51);
      });

      it('should go when they are removed, and no others with them', async () => {
        const [unwanted, other] = [newBatch(), newBatch()];
        await bury([unwanted, other], 'acme');
        expect(await transport.deadLetters.remove(unwanted.id)).toBe(true);
        expect([await listed(), await listed('acme')]).toEqual([[other.id], [other.id]]);
        expect(await transport.deadLetters.remove(unwanted.id)).toBe(false);
        expect(await transport.status()).toMatchObject({ pending: 0 });
      });

      it('should not be mistaken for what is not there', async () => {
        for (const id of [uuid7(), '', 'no id', 'a:b', '*', '../..']) {
          expect(await transport.deadLetters.get(id)).toBeUndefined();
          expect(await transport.deadLetters.replay(id)).toBe(false);
          expect(await transport.deadLetters.remove(id)).toBe(false);
        }
      });
    });

    it('should keep what of a batch cannot be stored, and deliver nothing of it again', async () => {
      const batch = newBatch();
      const deadLetters = ['acme', 'globex'].map((tenantId) => ({ batch: newBatch(), tenantId, reason: 'refused' }));
      const delivered: string[] = [];
      await transport.publish(batch);
      await consume(({ batch: { id } }) => {
        delivered.push(id);
        return Promise.resolve(id === batch.id ? { deadLetters } : STORED);
      });
      const last = await untilAllCame(() => delivered);
      expect(delivered).toEqual([batch.id, last]);
      for (const { batch: dead, tenantId } of deadLetters) {
        const [summary, ...others] = await transport.deadLetters.list({ tenantId, limit: 100 });
        expect([summary!.id, others]).toEqual([dead.id, []]);
        expect(Buffer.compare((await transport.deadLetters.get(dead.id))!.batch.rows, dead.rows)).toBe(0);
      }
    });

    it('should call a delivery the first only when no worker can have had the batch before', async () => {
      const [fresh, failing, marked] = [newBatch(), newBatch(), { ...newBatch(), mayBeRepeated: true as const }];
      const firsts = new Map<string, boolean[]>();
      await consume(({ batch: { id }, isFirst }) => {
        firsts.set(id, [...(firsts.get(id) ?? []), isFirst]);
        const isFailing = id === failing.id && firsts.get(id)!.length === 1;
        return isFailing ? Promise.reject(new Error('not now')) : Promise.resolve(STORED);
      });
      for (const batch of [fresh, failing, marked]) await transport.publish(batch);
      await waitUntil(async () => firsts.size === 3 && (await transport.status()).pending === 0, { timeoutMs: 20_000 });
      const toldFirst = tellsFirst ? [true] : [false];
      expect(firsts.get(fresh.id)).toEqual(toldFirst);
      expect(firsts.get(failing.id)).toEqual([...toldFirst, false]);
      expect(firsts.get(marked.id)).toEqual([false]);
    });

    describe('notes of requests', () => {
      let requests = 0;
      const newNote = (fingerprint: string): RetryNote => ({ fingerprint, seed: `seed-${++requests}` });
      const fingerprint = (name: string) => `acme:track:${name}`;
      const publish = (batch: EventBatch, ...notes: RetryNote[]) => publishBy(transport, batch, ...notes);
      const publishBy = (by: EventTransport, batch: EventBatch, ...notes: RetryNote[]) =>
        by.publish(batch, { notes: notes.map((note) => ({ ...note, receivedAt: Date.now() })) });
      /** Sends the request again and again, as equal requests of others, until the answer is a note that is old enough. */
      const untilOld = async (name: string, alsoBy = transport): Promise<RetryNote> => {
        for (;;) {
          const [older] = await publishBy(alsoBy, newBatch(), newNote(fingerprint(name)));
          if (older !== undefined) return older;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };

      it('should be given to whoever sends the same request later, and its batch be left out', async () => {
        const [first, other] = [newNote(fingerprint('a')), newNote(fingerprint('b'))];
        expect(await publish(newBatch(), first, other)).toEqual([]);
        expect(await untilOld('a')).toEqual(first);
        const [leftOut, taken] = [newBatch(), newBatch()];
        expect(await publish(leftOut, newNote(fingerprint('c')), newNote(fingerprint('a')))).toEqual([first]);
        // Nothing was kept of the whole group: neither its rows nor the note of its other request.
        expect(await publish(taken, newNote(fingerprint('c')), first)).toEqual([]);
        const delivered: string[] = [];
        await consume(({ batch: { id } }) => {
          delivered.push(id);
          return Promise.resolve(STORED);
        });
        await untilAllCame(() => delivered);
        expect([delivered.includes(taken.id), delivered.includes(leftOut.id)]).toEqual([true, false]);
      });

      it('should not be given to an equal request of the same moment, nor be replaced by its note', async () => {
        const [first, twin] = [newNote(fingerprint('a')), newNote(fingerprint('a'))];
        expect(await publish(newBatch(), first, twin)).toEqual([]);
        expect(await publish(newBatch(), newNote(fingerprint('a')))).toEqual([]);
        expect(await untilOld('a')).toEqual(first);
      });

      it('should be given to one of several equal requests, and to nobody else for a moment once it was taken', async () => {
        const first = newNote(fingerprint('a'));
        await publish(newBatch(), first);
        await untilOld('a');
        const twin = newNote(fingerprint('a'));
        expect(await publish(newBatch(), twin, newNote(fingerprint('a')))).toEqual([first]);
        expect(await publish(newBatch(), twin, first)).toEqual([]);
        expect(await publish(newBatch(), newNote(fingerprint('a')))).toEqual([]);
      });

      it('should be gone when the answer is out, told with a batch or alone, and only those', async () => {
        const [a, b, c] = ['a', 'b', 'c'].map((name) => newNote(fingerprint(name))) as [
          RetryNote,
          RetryNote,
          RetryNote,
        ];
        await publish(newBatch(), a, b, c);
        await transport.publish(newBatch(), { answered: [a, { ...c, seed: 'of-a-twin' }] });
        await transport.forget([b]);
        expect(await untilOld('c')).toEqual(c);
        const [later, other] = [newNote(fingerprint('a')), newNote(fingerprint('b'))];
        expect(await publish(newBatch(), later, other)).toEqual([]);
      });

      it('should outlive a crash of the queue', async () => {
        const first = newNote(fingerprint('a'));
        await publish(newBatch(), first);
        await crash();
        expect(await untilOld('a')).toEqual(first);
      });
    });

    it('should hold back a batch until its handler is done, and keep to the concurrency', async () => {
      const inHand: (() => void)[] = [];
      await consume(
        async () => {
          await new Promise<void>((resolve) => inHand.push(resolve));
          return STORED;
        },
        { concurrency: 3 },
      );
      await Promise.all(Array.from({ length: 10 }, () => transport.publish(newBatch())));
      for (let left = 10; left > 0; left--) {
        await waitUntil(() => inHand.length >= Math.min(3, left));
        await waitUntil(async () => (await transport.status()).pending === left);
        expect(inHand).toHaveLength(Math.min(3, left));
        inHand.shift()?.();
      }
      await waitUntil(async () => (await transport.status()).pending === 0);
    });

    it('should let go of a batch in hand on close, and take no other', async () => {
      const begun: string[] = [];
      let finish = (): void => undefined;
      const consumption = await consume(async ({ batch: { id } }) => {
        begun.push(id);
        await new Promise<void>((resolve) => (finish = resolve));
        return STORED;
      });
      await transport.publish(newBatch());
      await waitUntil(() => begun.length === 1);
      const closed = consumption.close();
      const second = newBatch();
      await transport.publish(second);
      await waitUntil(async () => (await transport.status()).pending === 2);
      finish();
      await closed;
      expect(begun).toHaveLength(1);
      const status = await transport.status();
      expect(status).toMatchObject({ pending: 1, consumers: 0 });
      await consume(({ batch: { id } }) => {
        begun.push(id);
        return Promise.resolve(STORED);
      });
      await waitUntil(() => begun.includes(second.id));
    });

    it('should tell what waits, since when, and who works on it', async () => {
      expect(await transport.status()).toMatchObject({
        consumers: 0,
        pending: 0,
        oldestPendingMs: 0,
        lastFinishedMsAgo: undefined,
      });
      const acceptedAt = Date.now() - MINUTE_MS;
      await transport.publish(newBatch(undefined, uuid7(acceptedAt)));
      await publishNew();
      const waiting = await transport.status();
      expect(waiting.pending).toBe(2);
      expect(waiting.oldestPendingMs).toBeGreaterThanOrEqual(MINUTE_MS);
      // Some adapters know the second alone.
      expect(waiting.oldestPendingMs).toBeLessThanOrEqual(Date.now() - acceptedAt + 1_000);
      await consume(() => Promise.resolve(STORED));
      await waitUntil(async () => {
        const { pending, lastFinishedMsAgo } = await transport.status();
        return pending === 0 && lastFinishedMsAgo !== undefined;
      });
      expect(await transport.status()).toMatchObject({ consumers: 1, pending: 0, oldestPendingMs: 0 });
    });

    it('should count what is in hand as pending', async () => {
      let finish: (() => void) | undefined;
      await consume(async () => {
        await new Promise<void>((resolve) => (finish = resolve));
        return STORED;
      });
      await transport.publish(newBatch(undefined, uuid7(Date.now() - MINUTE_MS)));
      await waitUntil(() => finish !== undefined);
      const status = await transport.status();
      expect(status.pending).toBe(1);
      expect(status.oldestPendingMs).toBeGreaterThanOrEqual(MINUTE_MS);
      finish?.();
    });
  });
}

/** What adapters promise whose batches a server of its own keeps, which may go away and come back. */
export function describeBrokerOutages(name: string, startBroker: () => Promise<TestBroker>): void {
  describe(`EventTransport on ${name}, while the broker is away`, () => {
    const bench = new QueueBench(startBroker);
    let transport: EventTransport;

    const consume = (handler: BatchHandler): Promise<Consumption> => bench.consume(transport, handler, ONE_AT_A_TIME);

    /** Until it is taken: the connection comes back by itself. */
    const publishAgain = (batch: EventBatch): Promise<void> =>
      waitUntil(
        () =>
          transport.publish(batch).then(
            () => true,
            (error: unknown) => {
              expect(error).toBeInstanceOf(TransportUnavailableError);
              return false;
            },
          ),
        { timeoutMs: 15_000 },
      );

    beforeEach(async () => {
      transport = await bench.connect();
    });

    it('should refuse while the broker is gone, and recover by itself', async () => {
      await bench.queue.kill();
      await expect(transport.publish(newBatch())).rejects.toThrow(TransportUnavailableError);
      await expect(transport.status()).rejects.toThrow(TransportUnavailableError);
      await bench.queue.restart();
      await publishAgain(newBatch());
    });

    it('should refuse while the broker does not answer, and recover by itself', async () => {
      bench.queue.pause();
      await expect(transport.publish(newBatch())).rejects.toThrow(TransportUnavailableError);
      bench.queue.resume();
      await publishAgain(newBatch());
    });

    it('should go on consuming after the broker was away', async () => {
      const delivered: string[] = [];
      await consume(({ batch: { id } }) => {
        delivered.push(id);
        return Promise.resolve(STORED);
      });
      await bench.queue.kill();
      await bench.queue.restart();
      const batch = newBatch();
      await publishAgain(batch);
      await waitUntil(() => delivered.includes(batch.id), { timeoutMs: 20_000 });
    });
    it('should say that dead letters cannot be had when the broker is gone, and have them when it is back', async () => {
      const batch = newBatch();
      const consumption = await consume(({ batch: dead }) =>
        Promise.resolve({ deadLetters: [{ batch: dead, tenantId: undefined, reason: 'unreadable' }] }),
      );
      await transport.publish(batch);
      await waitUntil(async () => (await transport.deadLetters.get(batch.id)) !== undefined);
      await consumption.close();
      await bench.queue.kill();
      await expect(transport.deadLetters.list({ limit: 1 })).rejects.toThrow(TransportUnavailableError);
      await expect(transport.deadLetters.get(batch.id)).rejects.toThrow(TransportUnavailableError);
      await expect(transport.deadLetters.replay(batch.id)).rejects.toThrow(TransportUnavailableError);
      await expect(transport.deadLetters.remove(batch.id)).rejects.toThrow(TransportUnavailableError);
      await bench.queue.restart();
      await untilReady(transport);
      expect((await transport.deadLetters.list({ limit: 100 })).map(({ id }) => id)).toEqual([batch.id]);
    });
  });
}
