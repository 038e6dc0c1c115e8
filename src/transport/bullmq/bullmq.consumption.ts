import { Logger } from '@nestjs/common';
import { type Job, UnrecoverableError } from 'bullmq';
import type { Redis } from 'ioredis';
import { withDeadline } from '../../common/deadline.js';
import { uuid7 } from '../../common/uuid7.js';
import type { EventBatch } from '../event-batch.js';
import type { BatchHandler, BatchOutcome, ConsumeOptions, Consumption } from '../event-transport.js';
import { redeliveryDelay } from '../redelivery-delay.js';
import {
  type BatchJobData,
  decodeBatchJob,
  encodeBatchJobJson,
  isMovedJob,
  type MovedJobData,
} from './batch-job.codec.js';
import { BatchWorker } from './batch.worker.js';
import { BatchCombiner, type Group } from '../combining/batch.combiner.js';
import type { CombinedBatches } from './combined.batches.js';
import type { RedisRoom } from './redis.room.js';
import type { RedisDeadLetters } from '../redis/redis.dead-letters.js';
import type { WorkerPulse } from '../redis/worker.pulse.js';
import { patientConnection, RECONNECT_AT_MOST_EVERY_MS, type RedisAccess } from '../../common/redis.connections.js';
import { decodeSplitJob, encodeSplitJob } from './split-job.codec.js';

const BEAT_EVERY_MS = 1_000;
/**
 * How long a batch stays with a worker that went silent. The search for such batches finds one in its second round after
 * that, so that a batch of a dead worker is delivered again after 5 to 10 s.
 */
const LOCK_MS = 5_000;
const LOOK_FOR_SILENT_WORKERS_EVERY_MS = 2_500;
/** Long enough for one more attempt to reach a Redis that is away, which ends the commands that wait for it. */
const REDIS_LETS_GO_WITHIN_MS = RECONNECT_AT_MOST_EVERY_MS + 1_000;

/** Where batches and signs of life go from here. */
interface Outlets {
  readonly pulse: WorkerPulse;
  readonly deadLetters: RedisDeadLetters;
  readonly combined: CombinedBatches;
  readonly room: Pick<RedisRoom, 'wasRefused'>;
  publish(batch: EventBatch): Promise<void>;
}

/** A job in this worker's hands, with its lock. */
interface HeldJob {
  readonly job: Job;
  readonly token: string;
  readonly batch: EventBatch;
}

/**
 * A BullMQ worker that hands each job to the handler as a batch, or several as one, and tells the queue's pulse that it lives.
 */
export class BullMqConsumption implements Consumption {
  private readonly logger = new Logger(BullMqConsumption.name);
  private readonly id = uuid7();
  private readonly closing = new AbortController();
  private readonly connection: Redis;
  private readonly worker: BatchWorker;
  private readonly heart: NodeJS.Timeout;
  private readonly inHand = new Set<Promise<BatchOutcome>>();
  private readonly combiner: BatchCombiner<HeldJob>;
  private readonly combinable: ReadonlySet<string>;
  private finishedSinceBeat = false;

  constructor(
    queue: RedisAccess & { readonly name: string },
    private readonly outlets: Outlets,
    private readonly handler: BatchHandler,
    { concurrency, combinable = new Set() }: ConsumeOptions,
  ) {
    this.combinable = combinable;
    this.combiner = new BatchCombiner<HeldJob>(
      {
        combine: (group, whole) => this.combine(group, whole),
        handle: ({ job, batch: held }) => this.handle(job, held),
      },
      Math.ceil(concurrency / 2),
    );
    const connection = patientConnection(queue, this.logger, this.closing.signal);
    this.connection = connection;
    this.worker = new BatchWorker(queue.name, (job, token) => this.process(job, token), {
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
      if (connection.status !== 'ready' || outlets.room.wasRefused(error)) return;
      this.logger.warn(`The queue's worker: ${error.message}`);
    });
    this.heart = setInterval(() => void this.beat(), BEAT_EVERY_MS);
    void this.beat();
  }

  async close(): Promise<void> {
    clearInterval(this.heart);
    this.closing.abort();
    this.combiner.hurry();
    // A worker that is not forced waits for a connection that is away, and never stops when it does not come back.
    const closed = this.worker.close(this.connection.status !== 'ready');
    await Promise.allSettled(this.inHand);
    const goodbye = closed.then(() => this.outlets.pulse.leave(this.id)).then(() => this.connection.quit());
    try {
      await withDeadline(goodbye, REDIS_LETS_GO_WITHIN_MS, () => new Error('Redis did not answer'));
    } catch {
      // What Redis could not be told is delivered again, and stored once all the same.
      this.connection.disconnect();
      void this.worker.disconnect().catch(() => undefined);
    }
  }

  private async process(job: Job, token: string | undefined): Promise<void> {
    if (isMovedJob(job.data)) return;
    const parts = decodeSplitJob(job.data);
    if (parts !== undefined) {
      // Its worker died, or lost Redis, between the two steps of a split.
      await this.publishAll(parts);
      return;
    }
    const batch = decodeBatchJob(job.id, job.name, job.data);
    if (batch === undefined) {
      throw new UnrecoverableError('The job does not hold a batch of events.');
    }
    const isRepeated = (job.data as BatchJobData).again === true;
    if (isRepeated && (await this.outlets.combined.has(batch.id))) return;
    // A batch that a handler may have seen is stored under its own id, if it is not already.
    const isNew = job.attemptsStarted === 1 && batch.id === job.id && !isRepeated;
    if (isNew && token !== undefined && this.combinable.has(batch.type)) {
      await this.combiner.add({ job, token, batch });
    } else {
      await this.handle(job, batch);
    }
  }

  /** @returns the first job with what it holds from now on; undefined when each still holds its own */
  private async combine(group: Group<HeldJob>, whole: EventBatch): Promise<HeldJob | undefined> {
    const moved: MovedJobData = { movedTo: whole.id };
    const isDone = await this.outlets.combined.combine(
      group.map(({ token, batch }) => ({ id: batch.id, token })),
      encodeBatchJobJson(whole, { id: whole.id, combines: whole.combines }),
      JSON.stringify(moved),
    );
    return isDone ? { ...group[0], batch: whole } : undefined;
  }

  private async handle(job: Job, batch: EventBatch): Promise<void> {
    const handling = this.handler(batch);
    this.inHand.add(handling);
    const outcome = await handling.finally(() => this.inHand.delete(handling));
    this.finishedSinceBeat = true;
    switch (outcome.kind) {
      case 'stored':
        return;
      case 'split':
        // In one write, before any part can be stored: from then on the whole is never tried again, though ClickHouse might
        // take it by then, but its parts are, which keep their ids however often they are published.
        await job.updateData(encodeSplitJob(outcome.parts));
        await this.publishAll(outcome.parts);
        return;
      case 'dead-letter': {
        const { reason, tenantId } = outcome;
        await this.outlets.deadLetters.add({ batch, tenantId, reason, diedAt: Date.now() });
        return;
      }
      default:
        outcome satisfies never;
    }
  }

  private async publishAll(parts: readonly EventBatch[]): Promise<void> {
    await Promise.all(parts.map((part) => this.outlets.publish(part)));
  }

  private async beat(): Promise<void> {
    const hasFinished = this.finishedSinceBeat;
    this.finishedSinceBeat = false;
    try {
      await this.outlets.pulse.beat(this.id, hasFinished);
    } catch {
      // Redis is away, which its connection has logged; the next beat tells it.
      this.finishedSinceBeat ||= hasFinished;
    }
  }
}
