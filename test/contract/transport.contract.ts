import { randomBytes } from 'node:crypto';
import { uuid7 } from '../../src/common/uuid7.js';
import type { EventBatch } from '../../src/transport/event-batch.js';
import {
  type BatchHandler,
  type BatchOutcome,
  type ConsumeOptions,
  type Consumption,
  type EventTransport,
  TransportUnavailableError,
} from '../../src/transport/event-transport.js';
import { waitUntil } from '../support/wait-until.js';

/** A real broker of its own for one run of the suite. */
export interface Broker {
  /** A new transport to the same, otherwise unused, queue of this broker. Each call is another process's view of it. */
  connect(): EventTransport;
  /** Ends it as a crash would: nothing it still held in memory is written. */
  kill(): Promise<void>;
  /** Starts it again with what it has on disk. */
  restart(): Promise<void>;
  /** Freezes it: connections stay open, nothing answers. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

const STORED: BatchOutcome = { kind: 'stored' };
const ONE_AT_A_TIME: ConsumeOptions = { concurrency: 1 };
/** Time for a delivery that must not come; long enough for every redelivery delay of a lively queue. */
const QUIET_MS = 1_500;

const newBatch = (rows: Uint8Array = randomBytes(64)): EventBatch => ({
  id: uuid7(),
  type: 'events.v1',
  events: 1,
  rows,
});
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What every adapter of {@link EventTransport} promises, tried on its real broker. */
export function describeTransport(name: string, startBroker: () => Promise<Broker>): void {
  describe(`EventTransport on ${name}`, () => {
    let broker: Broker;
    let transport: EventTransport;
    const consumptions: Consumption[] = [];
    const transports: EventTransport[] = [];

    const connect = (): EventTransport => {
      const connected = broker.connect();
      transports.push(connected);
      return connected;
    };
    const consume = async (handler: BatchHandler, options = ONE_AT_A_TIME, on = transport): Promise<Consumption> => {
      const consumption = await on.consume(handler, options);
      consumptions.push(consumption);
      return consumption;
    };
    const untilReady = (ready: EventTransport) =>
      waitUntil(
        () =>
          ready.status().then(
            () => true,
            () => false,
          ),
        { timeoutMs: 15_000 },
      );

    beforeEach(async () => {
      broker = await startBroker();
      transport = connect();
      await untilReady(transport);
    });

    afterEach(async () => {
      await Promise.all(consumptions.splice(0).map((consumption) => consumption.close()));
      await Promise.all(transports.splice(0).map((connected) => connected.close()));
      await broker.stop();
    });

    it('should deliver a batch as it was published, byte for byte', async () => {
      const batch = newBatch(Uint8Array.from({ length: 256 * 1024 }, (_, i) => i % 256));
      const delivered: EventBatch[] = [];
      await transport.publish(batch);
      await consume((received) => {
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
      const handler: BatchHandler = ({ id }) => {
        deliveries.set(id, (deliveries.get(id) ?? 0) + 1);
        return Promise.resolve(STORED);
      };
      await consume(handler, { concurrency: 8 });
      await consume(handler, { concurrency: 8 }, connect());
      await Promise.all(batches.map((batch) => transport.publish(batch)));
      await waitUntil(() => deliveries.size === batches.length);
      await waitUntil(async () => (await transport.status()).pending === 0);
      expect([...deliveries.values()].every((count) => count === 1)).toBe(true);
    });

    it('should never lose a batch that it acknowledged, when the broker is killed right after', async () => {
      const batches = Array.from({ length: 50 }, () => newBatch());
      await Promise.all(batches.map((batch) => transport.publish(batch)));
      await broker.kill();
      await broker.restart();
      const delivered = new Set<string>();
      await consume(({ id }) => {
        delivered.add(id);
        return Promise.resolve(STORED);
      });
      await waitUntil(() => delivered.size === batches.length, { timeoutMs: 20_000 });
    });

    it('should deliver again what the handler could not store', async () => {
      let attempts = 0;
      await transport.publish(newBatch());
      await consume(() => {
        attempts++;
        return attempts < 3 ? Promise.reject(new Error('not now')) : Promise.resolve(STORED);
      });
      await waitUntil(() => attempts === 3, { timeoutMs: 20_000 });
      await waitUntil(async () => (await transport.status()).pending === 0);
      await sleep(QUIET_MS);
      expect(attempts).toBe(3);
    });

    it('should let other batches pass one that fails', async () => {
      const failing = newBatch();
      const stored: string[] = [];
      await transport.publish(failing);
      await consume(({ id }) => {
        if (id === failing.id) return Promise.reject(new Error('not now'));
        stored.push(id);
        return Promise.resolve(STORED);
      });
      const good = newBatch();
      await transport.publish(good);
      await waitUntil(() => stored.includes(good.id));
    });

    it('should not deliver a dead letter again', async () => {
      let attempts = 0;
      await transport.publish(newBatch());
      await consume(() => {
        attempts++;
        return Promise.resolve({ kind: 'dead-letter', reason: 'unreadable' });
      });
      await waitUntil(async () => attempts > 0 && (await transport.status()).pending === 0);
      await sleep(QUIET_MS);
      expect(attempts).toBe(1);
    });

    it('should hold back a batch until its handler is done, and keep to the concurrency', async () => {
      let inHand = 0;
      let most = 0;
      let done = 0;
      await consume(
        async () => {
          most = Math.max(most, ++inHand);
          await sleep(20);
          inHand--;
          done++;
          return STORED;
        },
        { concurrency: 3 },
      );
      await Promise.all(Array.from({ length: 30 }, () => transport.publish(newBatch())));
      await waitUntil(() => done === 30);
      expect(most).toBe(3);
    });

    it('should let go of a batch in hand on close, and take no other', async () => {
      const begun: string[] = [];
      let finish = (): void => undefined;
      const consumption = await consume(async ({ id }) => {
        begun.push(id);
        await new Promise<void>((resolve) => (finish = resolve));
        return STORED;
      });
      await transport.publish(newBatch());
      await waitUntil(() => begun.length === 1);
      const closed = consumption.close();
      const second = newBatch();
      await transport.publish(second);
      await sleep(200);
      finish();
      await closed;
      expect(begun).toHaveLength(1);
      const status = await transport.status();
      expect(status).toMatchObject({ pending: 1, consumers: 0 });
      await consume(({ id }) => {
        begun.push(id);
        return Promise.resolve(STORED);
      });
      await waitUntil(() => begun.includes(second.id));
    });

    it('should tell what waits, since when, and who works on it', async () => {
      expect(await transport.status()).toEqual({
        consumers: 0,
        pending: 0,
        oldestPendingMs: 0,
        lastFinishedMsAgo: undefined,
      });
      await transport.publish(newBatch());
      await transport.publish(newBatch());
      await sleep(300);
      const waiting = await transport.status();
      expect(waiting.pending).toBe(2);
      expect(waiting.oldestPendingMs).toBeGreaterThanOrEqual(300);
      expect(waiting.oldestPendingMs).toBeLessThan(5_000);
      await consume(() => Promise.resolve(STORED));
      await waitUntil(async () => (await transport.status()).lastFinishedMsAgo !== undefined);
      expect(await transport.status()).toMatchObject({ consumers: 1, pending: 0, oldestPendingMs: 0 });
    });

    it('should count what is in hand as pending', async () => {
      let finish = (): void => undefined;
      await consume(async () => {
        await new Promise<void>((resolve) => (finish = resolve));
        return STORED;
      });
      await transport.publish(newBatch());
      await waitUntil(async () => (await transport.status()).consumers === 1);
      await sleep(300);
      const status = await transport.status();
      expect(status.pending).toBe(1);
      expect(status.oldestPendingMs).toBeGreaterThan(0);
      finish();
    });

    it('should refuse within a second when the broker is gone, and recover by itself', async () => {
      await broker.kill();
      const began = Date.now();
      await expect(transport.publish(newBatch())).rejects.toThrow(TransportUnavailableError);
      await expect(transport.status()).rejects.toThrow(TransportUnavailableError);
      expect(Date.now() - began).toBeLessThan(2_000);
      await broker.restart();
      await untilReady(transport);
      await transport.publish(newBatch());
    });

    it('should refuse within a second when the broker does not answer, and recover by itself', async () => {
      broker.pause();
      const began = Date.now();
      await expect(transport.publish(newBatch())).rejects.toThrow(TransportUnavailableError);
      expect(Date.now() - began).toBeLessThan(1_000);
      broker.resume();
      await untilReady(transport);
      await transport.publish(newBatch());
    });

    it('should go on consuming after the broker was away', async () => {
      const delivered: string[] = [];
      await consume(({ id }) => {
        delivered.push(id);
        return Promise.resolve(STORED);
      });
      await broker.kill();
      await broker.restart();
      await untilReady(transport);
      const batch = newBatch();
      await transport.publish(batch);
      await waitUntil(() => delivered.includes(batch.id), { timeoutMs: 20_000 });
    });
  });
}
