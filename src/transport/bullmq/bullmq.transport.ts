import { Logger } from '@nestjs/common';
import { type JobsOptions, Queue } from 'bullmq';
import type { EventBatch } from '../event-batch.js';
import {
  type BatchHandler,
  type ConsumeOptions,
  type Consumption,
  EventTransport,
  PUBLISH_TIMEOUT_MS,
  STATUS_TIMEOUT_MS,
  type TransportStatus,
} from '../event-transport.js';
import { askRedis } from './ask-redis.js';
import { encodeBatchJob } from './batch-job.codec.js';
import { BullMqConsumption } from './bullmq.consumption.js';
import { BullMqDeadLetters } from './bullmq.dead-letters.js';
import { QueuePulse } from './queue.pulse.js';
import { durabilityProblems } from './redis.durability.js';
import { failFastConnection } from '../../common/redis.connections.js';

const QUEUE_NAME = 'events';

const JOB_OPTIONS: JobsOptions = {
  // A finished job would hold its whole batch in Redis's memory.
  removeOnComplete: true,
  // Only a job that holds no batch fails, and is kept for whoever wonders who put it there.
  removeOnFail: false,
  attempts: Number.MAX_SAFE_INTEGER,
  backoff: { type: 'custom' },
  stackTraceLimit: 1,
};

export interface BullMqTransportOptions {
  readonly redisUrl: string;
  /** Keeps the keys of several deployments apart that share a Redis. */
  readonly prefix: string;
}

/** Batches as BullMQ jobs in Redis. "On disk" is what Redis's `appendfsync` makes it: `always` for a promise that holds. */
export class BullMqTransport extends EventTransport {
  readonly deadLetters: BullMqDeadLetters;
  private readonly logger = new Logger(BullMqTransport.name);
  private readonly connection;
  private readonly queue: Queue;
  /** For the consumptions of this transport. */
  readonly pulse: QueuePulse;

  constructor(private readonly options: BullMqTransportOptions) {
    super();
    this.connection = failFastConnection(options.redisUrl, this.logger);
    this.queue = new Queue(QUEUE_NAME, {
      connection: this.connection,
      prefix: options.prefix,
      defaultJobOptions: JOB_OPTIONS,
      streams: { events: { maxLen: 100 } },
      // Written on connecting otherwise, where a Redis that is away would end the process.
      skipMetasUpdate: true,
    });
    // The connection logs that Redis is away, once; BullMQ would end the process if nobody listened.
    this.queue.on('error', () => undefined);
    this.pulse = new QueuePulse(this.connection, this.queue);
    this.deadLetters = new BullMqDeadLetters(this.connection, this.queue);
    this.connection.on('ready', () => void this.warnOfLosses());
  }

  async publish(batch: EventBatch): Promise<void> {
    await askRedis(this.connection, 'take a batch', PUBLISH_TIMEOUT_MS, () =>
      this.queue.add(batch.type, encodeBatchJob(batch), { jobId: batch.id }),
    );
  }

  consume(handler: BatchHandler, options: ConsumeOptions): Promise<Consumption> {
    const queue = { name: QUEUE_NAME, ...this.options };
    return Promise.resolve(new BullMqConsumption(queue, this, handler, options));
  }

  async status(): Promise<TransportStatus> {
    return askRedis(this.connection, 'tell its state', STATUS_TIMEOUT_MS, () => this.pulse.read());
  }

  async close(): Promise<void> {
    await this.queue.close();
    this.connection.disconnect();
  }

  /** At every connection: a Redis that comes back may be another one, or set up anew. */
  private async warnOfLosses(): Promise<void> {
    try {
      for (const problem of await durabilityProblems(this.connection)) {
        this.logger.warn(`Redis does not keep the promise that a 202 is on disk: ${problem}`);
      }
    } catch (error) {
      this.logger.warn(`Whether Redis keeps what it is given cannot be told: ${String(error)}`);
    }
  }
}
