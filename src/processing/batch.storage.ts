import { setMaxListeners } from 'node:events';
import { Logger } from '@nestjs/common';
import { untilAborted } from '../common/deadline.js';
import { messageOf } from '../common/operator.error.js';
import type { StorableBatch } from '../warehouse/batch.writer.js';
import { BatchRefusedError } from '../warehouse/warehouse.errors.js';
import { Outage } from './outage.js';

/** Nothing is wrong; the queue is to deliver the batch again, later. */
export class DeliverLaterError extends Error {
  override readonly name = 'DeliverLaterError';
}

/** Where batches end: resolves when a batch is committed there, and may be given the same one again. */
export interface BatchStore<Batch extends StorableBatch> {
  /** @param isFirstTry whether this delivery of the batch was not given to it before */
  store(batch: Batch, isFirstTry: boolean): Promise<void>;
}

export interface BatchStorageOptions {
  /** What the batches hold, as the log names it: `Events`. */
  readonly what: string;
  /** How many batches may wait in this worker's hands while they cannot be stored; others go back to the queue at once. */
  readonly maxWaiting: number;
  /** In ms, and never set back. */
  readonly now?: () => number;
}

/** Then a batch goes back to the queue: one that ClickHouse takes, or that is for another table, gets its place. */
const WAIT_AT_MOST_MS = 60_000;

/** Stores batches in one table, however long ClickHouse is away. */
export class BatchStorage<Batch extends StorableBatch = StorableBatch> {
  private readonly logger = new Logger(BatchStorage.name);
  private readonly outage: Outage;
  private readonly now: () => number;
  private stored = 0;
  private readonly givingUp = new AbortController();
  private waiting = 0;

  constructor(
    private readonly destination: BatchStore<Batch>,
    private readonly options: BatchStorageOptions,
  ) {
    this.now = options.now ?? (() => performance.now());
    this.outage = new Outage(this.now);
    // Every batch in hand listens; their number is the worker's concurrency, not a leak.
    setMaxListeners(0, this.givingUp.signal);
  }

  /**
   * Returns when ClickHouse has committed the batch. While it commits none the batch waits here and is tried again, for a minute.
   * @throws BatchRefusedError when it can never be stored; any other error when the queue is to deliver the batch again: the
   * process shuts down, too many wait already, it has waited long, or others were stored meanwhile, so that it is at fault itself
   */
  async store(batch: Batch): Promise<void> {
    const { what } = this.options;
    const storedBefore = this.stored;
    const since = this.now();
    for (let isFirstTry = true; ; isFirstTry = false) {
      try {
        await untilAborted(this.destination.store(batch, isFirstTry), this.givingUp.signal);
        this.stored++;
        if (this.outage.end()) {
          this.logger.log(`${what} are stored in ClickHouse again.`);
        }
        return;
      } catch (error) {
        if (error instanceof BatchRefusedError || error instanceof DeliverLaterError) {
          throw error;
        }
        const cause = messageOf(error);
        if (this.outage.begin(cause)) {
          this.logger.error(`${what} wait in the queue until ClickHouse stores them. ${cause}`);
        }
        if (this.stored > storedBefore || this.now() - since > WAIT_AT_MOST_MS) throw error;
        await this.wait(error);
      }
    }
  }

  /**
   * Ends all waits, now and later, with an exception; likewise inserts that ClickHouse has not answered after `insertsWithinMs`.
   * Should it commit one of those all the same, the batch's id makes the next delivery harmless.
   */
  stopWaiting(insertsWithinMs: number): void {
    this.outage.stopWaiting();
    setTimeout(() => {
      this.givingUp.abort();
    }, insertsWithinMs).unref();
  }

  private async wait(reason: unknown): Promise<void> {
    if (this.waiting >= this.options.maxWaiting) {
      throw reason;
    }
    this.waiting++;
    try {
      await this.outage.wait();
    } finally {
      this.waiting--;
    }
  }
}
