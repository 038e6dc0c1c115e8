import { COMPLIANCE_V1, type EventBatch } from '../event-batch.js';
import {
  type BatchHandler,
  type ConsumeOptions,
  type Consumption,
  EventTransport,
  type TransportStatus,
} from '../event-transport.js';
import type { PublishOptions, RetryNote } from '../retry-notes.js';
import { SpoolConsumption } from './spool.consumption.js';
import { SpoolDeadLetters } from './spool.dead-letters.js';
import { SpoolQueue } from './spool.queue.js';
import type { SpoolStore } from './spool.store.js';

/** The queue on local disk, without a broker: for one process that is both API and worker. */
export class SpoolTransport extends EventTransport {
  readonly deadLetters: SpoolDeadLetters;
  private readonly queue: SpoolQueue;
  private readonly consumptions = new Set<SpoolConsumption>();
  private finishedAt: number | undefined;

  /** @param store is the caller's to close, after this transport */
  constructor(private readonly store: SpoolStore) {
    super();
    this.queue = new SpoolQueue(store);
    this.deadLetters = new SpoolDeadLetters(store, this.queue);
  }

  publish(batch: EventBatch, options?: PublishOptions): Promise<readonly RetryNote[]> {
    return this.queue.append(batch, options);
  }

  forget(answered: readonly RetryNote[]): Promise<void> {
    this.store.notedBefore({ answered });
    return Promise.resolve();
  }

  consume(handler: BatchHandler, options: ConsumeOptions): Promise<Consumption> {
    const consumption = new SpoolConsumption(this.queue, handler, options);
    this.consumptions.add(consumption);
    return Promise.resolve({
      close: async () => {
        await consumption.close();
        this.consumptions.delete(consumption);
        this.finishedAt = lastOf([this.finishedAt, consumption.lastFinishedAt]);
      },
    });
  }

  status(): Promise<TransportStatus> {
    const finishedAt = lastOf([this.finishedAt, ...[...this.consumptions].map(({ lastFinishedAt }) => lastFinishedAt)]);
    return Promise.resolve({
      consumers: this.consumptions.size,
      pending: this.store.size,
      oldestPendingMs: this.store.oldestMs,
      lastFinishedMsAgo: finishedAt === undefined ? undefined : performance.now() - finishedAt,
      isRefusing: this.store.isFull,
      oldestPendingAt: this.store.oldestBut(COMPLIANCE_V1),
    });
  }

  close(): Promise<void> {
    this.queue.close();
    return Promise.resolve();
  }
}

function lastOf(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
