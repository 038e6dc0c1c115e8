import { Logger } from '@nestjs/common';
import { type Job, UnrecoverableError } from 'bullmq';
import type { Redis } from 'ioredis';
import { withDeadline } from '../../common/deadline.js';
import { uuid7 } from '../../common/uuid7.js';
import type { EventBatch } from '../event-batch.js';
import type { BatchHandler, BatchOutcome, ConsumeOptions, Consumption } from '../event-transport.js';
import { batchesInLegacyJob } from '../legacy-jobs.js';
import { redeliveryDelay } from '../redelivery-delay.js';
import type { RedisDeadLetters } from '../redis/redis.dead-letters.js';
import type { WorkerHeartbeats } from '../redis/worker.heartbeats.js';
import { patientConnection, RECONNECT_AT_MOST_EVERY_MS, type RedisAccess } from '../../common/redis.connections.js';
import { isBatchJobData } from './batch.job.js';
import { BatchWorker } from './batch.worker.js';
import type { RedisCapacity } from './redis.capacity.js';

const BEAT_EVERY_MS = 1_000;
/**
 * How long a batch stays with a worker that went silent. The search for such batches finds one in its second round after
 * that, so that a batch of a dead worker is delivered again after 5 to 10 s.
 */
const LOCK_MS = 5_000;
const LOOK_FOR_SILENT_WORKERS_EVERY_MS = 2_500;
/** Long enough for one more attempt to reach a Redis that is away, which ends the commands that wait for it. */
const REDIS_LETS_GO_WITHIN_MS = RECONNECT_AT_MOST_EVERY_MS + 1_000;

/** Where dead letters and heartbeats go from here. */
interface Outlets {
  readonly heartbeats: WorkerHeartbeats;
  readonly deadLetters: RedisDeadLetters;
  readonly capacity: Pick<RedisCapacity, 'wasRefused'>;
}

/** A BullMQ worker that hands each job to the handler as a batch, and tells the others that it lives. */
export class BullMqConsumption implements Consumption {
  private readonly logger = new Logger(BullMqConsumption.name);
  private readonly id = uuid7();
  private readonly closing = new AbortController();
  private readonly connection: Redis;
  private readonly worker: BatchWorker;
  private readonly heart: NodeJS.Timeout;
  private readonly inHand = new Set<Promise<BatchOutcome>>();
  private finishedSinceBeat = false;

  constructor(
    queue: RedisAccess & { readonly name: string },
    private readonly outlets: Outlets,
    private readonly handler: BatchHandler,
    { concurrency }: ConsumeOptions,
  ) {
    const connection = patientConnection(queue, this.logger, this.closing.signal);
    this.connection = connection;
    this.worker = new BatchWorker(queue.name, (job) => this.process(job), {
      connection,
      prefix: queue.prefix,
      concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: LOOK_FOR_SILENT_WORKERS_EVERY_MS,
      // A batch whose worker died is delivered again, however often that happens: never given up.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      settings: { backoffStrategy: redeliveryDelay },
    });
    this.worker.on('error', (error) => {
      // That Redis is away, its connection has logged; that it takes no writes is logged once, however often it says so.
      if (connection.status !== 'ready' || outlets.capacity.wasRefused(error)) return;
      this.logger.warn(`The queue's worker: ${error.message}`);
    });
    this.heart = setInterval(() => void this.beat(), BEAT_EVERY_MS);
    void this.beat();
  }

  async close(): Promise<void> {
    clearInterval(this.heart);
    this.closing.abort();
    // A worker that is not forced waits for a connection that is away, and never stops when it does not come back.
    const closed = this.worker.close(this.connection.status !== 'ready');
    await Promise.allSettled(this.inHand);
    const goodbye = closed.then(() => this.outlets.heartbeats.leave(this.id)).then(() => this.connection.quit());
    try {
      await withDeadline(goodbye, REDIS_LETS_GO_WITHIN_MS, () => new Error('Redis did not answer'));
    } catch {
      // What Redis could not be told is delivered again, and stored once all the same.
      this.connection.disconnect();
      void this.worker.disconnect().catch(() => undefined);
    }
  }

  private async process(job: Job): Promise<void> {
    const batches = await this.batchesOf(job);
    // A job that an older build left may hold several.
    await Promise.all(batches.map((batch) => this.handle(batch, job.attemptsStarted === 1)));
  }

  /** None when its rows are stored. */
  private async batchesOf({ id, name: type, data }: Job<unknown>): Promise<readonly EventBatch[]> {
    if (id !== undefined && isBatchJobData(data)) {
      const rows = await this.worker.rowsOf(id);
      return rows === undefined ? [] : [{ id, type, ...data, rows }];
    }
    const batches = id === undefined ? undefined : batchesInLegacyJob(id, type, data);
    if (batches === undefined) throw new UnrecoverableError('The job does not hold a batch of events.');
    return batches;
  }

  private async handle(batch: EventBatch, isFirstAttempt: boolean): Promise<void> {
    const handling = this.handler({ batch, isFirst: isFirstAttempt && batch.mayBeRepeated !== true });
    this.inHand.add(handling);
    const { deadLetters } = await handling.finally(() => this.inHand.delete(handling));
    this.finishedSinceBeat = true;
    for (const letter of deadLetters) await this.outlets.deadLetters.add({ ...letter, diedAt: Date.now() });
  }

  private async beat(): Promise<void> {
    const hasFinished = this.finishedSinceBeat;
    this.finishedSinceBeat = false;
    try {
      await this.outlets.heartbeats.beat(this.id, hasFinished);
    } catch {
      // Redis is away, which its connection has logged; the next beat tells it.
      this.finishedSinceBeat ||= hasFinished;
    }
  }
}
