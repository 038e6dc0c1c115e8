import { Logger } from '@nestjs/common';
import { COMPLIANCE_V1, type EventBatch } from '../event-batch.js';
import type { DeadLetters } from '../dead-letters.js';
import {
  type BatchHandler,
  type ConsumeOptions,
  type Consumption,
  EventTransport,
  type TransportStatus,
  TransportUnavailableError,
} from '../event-transport.js';
import type { PublishOptions, RetryNote } from '../retry-notes.js';
import type { RedisDeadLetters } from '../redis/redis.dead-letters.js';
import { SpoolQueue } from '../spool/spool.queue.js';
import { resumedBatch } from './resumed.batch.js';
import type { Spool } from '../spool/spool.js';
import type { SpoolStore } from '../spool/spool.store.js';
import { SpoolDrain } from './spool.drain.js';

/** How long a process that ends goes on moving its spool to the broker. */
const DRAIN_AT_END_MS = 3_000;
const LOOK_EVERY_MS = 50;
const ADOPT_EVERY_MS = 15_000;

/**
 * A broker with the local disk behind it. While the broker does not take batches they are spooled, which keeps the promise of
 * `publish` just as well; when it is back they follow, the oldest first, beside the live ones.
 *
 * A batch that the broker took too late for its answer is spooled as well, and comes twice: so what comes out of the spool is marked
 * as one that may be stored already.
 */
export class FailoverTransport extends EventTransport {
  private readonly logger = new Logger(FailoverTransport.name);
  private readonly queue: SpoolQueue;
  private readonly drain: SpoolDrain;
  private readonly store: SpoolStore;
  private readonly adoptions: NodeJS.Timeout;
  private adopting = Promise.resolve();
  private away = false;

  /** @param spool is the caller's to close, after this transport */
  constructor(
    private readonly broker: EventTransport & { readonly deadLetters: Pick<RedisDeadLetters, 'add'> },
    private readonly spool: Pick<Spool, 'store' | 'adoptAbandoned'>,
  ) {
    super();
    this.store = spool.store;
    this.queue = new SpoolQueue(this.store);
    if (this.store.size > 0) this.logger.log(`Batches in the spool, to be queued: ${this.store.size}.`);
    this.drain = new SpoolDrain(this.queue, {
      isAway: () => this.away,
      publish: (batch) => this.ask(() => this.pass(batch)),
      bury: async (batch, reason) => {
        await this.broker.deadLetters.add({ batch, tenantId: undefined, reason, diedAt: Date.now() });
      },
      probe: () => this.ask(() => this.lookForBroker()).then(ignore, ignore),
    });
    this.adopt();
    this.adoptions = setInterval(() => {
      this.adopt();
    }, ADOPT_EVERY_MS).unref();
  }

  get deadLetters(): DeadLetters {
    return this.broker.deadLetters;
  }

  /**
   * @throws BatchRejectedError when the broker will never take it; TransportUnavailableError when neither the broker nor the
   * spool takes it now
   */
  async publish(batch: EventBatch, options: PublishOptions = {}): Promise<readonly RetryNote[]> {
    // A process that died may have spooled a request's events without answering it, and the broker knows nothing of them.
    const older = this.store.notedBefore(options);
    if (older.length > 0) return older;
    let mayBeDone = false;
    if (!this.away) {
      try {
        return await this.broker.publish(batch, options);
      } catch (error) {
        mayBeDone = this.onRefused(error).mayBeDone;
      }
    }
    try {
      return await this.queue.append({ ...batch, notes: options.notes }, options);
    } catch (error) {
      throw mayBeDone ? new TransportUnavailableError(String(error), { cause: error, mayBeDone }) : error;
    }
  }

  async forget(answered: readonly RetryNote[]): Promise<void> {
    this.store.notedBefore({ answered });
    await this.broker.forget(answered);
  }

  consume(handler: BatchHandler, options: ConsumeOptions): Promise<Consumption> {
    return this.broker.consume(handler, options);
  }

  async status(): Promise<TransportStatus> {
    const status = await this.broker.status();
    const times = [status.oldestPendingAt, this.store.oldestBut(COMPLIANCE_V1)].filter((time) => time !== undefined);
    return { ...status, oldestPendingAt: times.length === 0 ? undefined : Math.min(...times) };
  }

  async close(): Promise<void> {
    clearInterval(this.adoptions);
    await this.adopting;
    await this.drainAtEnd();
    await this.drain.close();
    this.queue.close();
    if (this.store.size > 0) {
      this.logger.warn(`Batches that stay in the spool until this process is started again: ${this.store.size}.`);
    }
    await this.broker.close();
  }

  /**
   * Publishes a batch from the spool. The broker may have it already, and answered too late; and it may have notes of requests in
   * it that another process was serving when it died, for which it could not be asked before.
   */
  private async pass(batch: EventBatch): Promise<void> {
    const repeated = { ...batch, mayBeRepeated: true } as const;
    const older = await this.broker.publish(repeated, { notes: batch.notes ?? [] });
    if (older.length > 0) await this.pass(resumedBatch(repeated, older));
  }

  private async lookForBroker(): Promise<void> {
    const { isRefusing, refusal } = await this.broker.status();
    if (isRefusing === true || refusal !== undefined) throw new TransportUnavailableError('The queue takes no batches');
  }

  /** Asks the broker on the drain's behalf. Its answer tells whether live batches may go there again. */
  private async ask(question: () => Promise<unknown>): Promise<void> {
    try {
      await question();
    } catch (error) {
      this.onRefused(error);
      throw error;
    }
    if (this.away) this.logger.log(`Events go to the queue again. Batches in the spool: ${this.store.size}.`);
    this.away = false;
  }

  /** @throws the error itself unless it means that the broker is away */
  private onRefused(error: unknown): TransportUnavailableError {
    if (!(error instanceof TransportUnavailableError)) throw error;
    if (!this.away) this.logger.warn(`Events go to the spool on disk. ${error.message}`);
    this.away = true;
    this.drain.nudge();
    return error;
  }

  /** Takes over the spools of processes that are gone, whose clients were told that their events are safe. */
  private adopt(): void {
    this.adopting = this.adopting
      .then(() => this.spool.adoptAbandoned((batch) => this.queue.append(batch)))
      .catch((error: unknown) => {
        this.logger.error(`Spools of other processes cannot be looked into. ${String(error)}`);
      });
  }

  private async drainAtEnd(): Promise<void> {
    const deadline = performance.now() + DRAIN_AT_END_MS;
    while (this.store.size > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}

function ignore(): void {
  // The answer was noted; why there was none is logged.
}
