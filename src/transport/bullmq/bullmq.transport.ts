import { Logger } from '@nestjs/common';
import type { JobsOptions } from 'bullmq';
import type { EventBatch } from '../event-batch.js';
import {
  type BatchHandler,
  BatchRejectedError,
  type ConsumeOptions,
  type Consumption,
  EventTransport,
  PUBLISH_TIMEOUT_MS,
  type PublishOptions,
  STATUS_TIMEOUT_MS,
  type TransportStatus,
  TransportUnavailableError,
} from '../event-transport.js';
import { type BatchJobData, encodeBatchJob, encodeBatchJobJson } from './batch-job.codec.js';
import { BatchQueue, EncodedJobData } from './batch.queue.js';
import { CombinedBatches } from './combined.batches.js';
import { BullMqConsumption } from './bullmq.consumption.js';
import { QueuePulse } from './queue.pulse.js';
import { appraiseRedis } from '../redis/redis.appraisal.js';
import { askRedis } from '../redis/ask-redis.js';
import { RedisDeadLetters } from '../redis/redis.dead-letters.js';
import { uuid7 } from '../../common/uuid7.js';
import { RedisRoom } from './redis.room.js';
import { failFastConnection, type RedisAccess } from '../../common/redis.connections.js';

const QUEUE_NAME = 'events';
/** With {@link BullMqTransportOptions.maxBatches} left out: 1 GB of memory for batches of one event. */
const DEFAULT_MAX_BATCHES = 1_000_000;

const JOB_OPTIONS: JobsOptions = {
  // A finished job would hold its whole batch in Redis's memory.
  removeOnComplete: true,
  // Only a job that holds no batch fails, and is kept for whoever wonders who put it there.
  removeOnFail: false,
  attempts: Number.MAX_SAFE_INTEGER,
  backoff: { type: 'custom' },
  stackTraceLimit: 1,
};

export interface BullMqTransportOptions extends RedisAccess {
  /** With this many batches waiting no more are taken; by default {@link DEFAULT_MAX_BATCHES}. */
  readonly maxBatches?: number;
}

/** Batches as BullMQ jobs in Redis. "On disk" is what Redis's `appendfsync` makes it: `always` for a promise that holds. */
export class BullMqTransport extends EventTransport {
  readonly deadLetters: RedisDeadLetters;
  private readonly logger = new Logger(BullMqTransport.name);
  private readonly connection;
  /** For questions and signs of life, which neither wait behind batches nor keep them waiting. */
  private readonly asking;
  private readonly queue: BatchQueue;
  /** For the consumptions of this transport. */
  readonly pulse: QueuePulse;
  private readonly room: RedisRoom;
  private readonly combined: CombinedBatches;
  private isDurable: boolean | undefined;
  private maxBytes = Infinity;

  constructor(private readonly options: BullMqTransportOptions) {
    super();
    this.connection = failFastConnection(options, this.logger);
    this.asking = failFastConnection(options, undefined);
    this.queue = new BatchQueue(QUEUE_NAME, {
      connection: this.connection,
      prefix: options.prefix,
      defaultJobOptions: JOB_OPTIONS,
      streams: { events: { maxLen: 100 } },
      // Written on connecting otherwise, where a Redis that is away would end the process.
      skipMetasUpdate: true,
    });
    // The connection logs that Redis is away, once; BullMQ would end the process if nobody listened.
    this.queue.on('error', () => undefined);
    this.pulse = new QueuePulse(this.asking, this.queue);
    this.deadLetters = new RedisDeadLetters(
      this.connection,
      (name) => this.queue.toKey(name),
      (batch) => this.addAgain(batch),
    );
    this.room = new RedisRoom(this.connection, this.queue, options.maxBatches ?? DEFAULT_MAX_BATCHES);
    this.combined = new CombinedBatches(this.connection, (name) => this.queue.toKey(name), this.room);
    this.connection.on('ready', () => void this.appraise());
  }

  async publish(batch: EventBatch, options?: PublishOptions): Promise<void> {
    await this.room.whileThereIs(batch.rows.byteLength, () => this.add(batch, options));
  }

  consume(handler: BatchHandler, options: ConsumeOptions): Promise<Consumption> {
    const queue = { name: QUEUE_NAME, ...this.options };
    const { workers: pulse } = this.pulse;
    const { deadLetters, combined, room } = this;
    // The parts of a batch take its place: workers go on with them however full Redis is.
    const outlets = { pulse, deadLetters, combined, room, publish: (batch: EventBatch) => this.add(batch) };
    return Promise.resolve(new BullMqConsumption(queue, outlets, handler, options));
  }

  async status(): Promise<TransportStatus> {
    if (this.connection.status !== 'ready')
      throw new TransportUnavailableError('Redis takes no batches: not connected');
    const status = await askRedis(this.asking, 'tell its state', STATUS_TIMEOUT_MS, () => this.pulse.read());
    const { memoryRatio, isFull, refusal } = this.room;
    return { ...status, memoryRatio, isRefusing: isFull, refusal, isDurable: this.isDurable };
  }

  async close(): Promise<void> {
    this.room.close();
    await this.queue.close();
    this.connection.disconnect();
    this.asking.disconnect();
  }

  /** Adds a batch whether or not there is room for more. */
  protected async add(batch: EventBatch, { isRepeated = false }: PublishOptions = {}): Promise<void> {
    const json = encodeBatchJobJson(batch, isRepeated ? { again: true } : {});
    // Redis would close the connection over it, and all that is on its way there would fail.
    if (json.length > this.maxBytes) {
      throw new BatchRejectedError(`Redis takes no batch of ${json.length} bytes. Raise its proto-max-bulk-len.`);
    }
    await this.addJob(batch.type, new EncodedJobData(json), batch.id);
  }

  /** A job of its own: under the batch's id it would be ignored while the job that just gave it up is still being finished. */
  private async addAgain(batch: EventBatch): Promise<void> {
    await this.addJob(batch.type, { ...encodeBatchJob(batch), id: batch.id }, uuid7());
  }

  private async addJob(type: string, data: BatchJobData | EncodedJobData, jobId: string): Promise<void> {
    try {
      await askRedis(this.connection, 'take a batch', PUBLISH_TIMEOUT_MS, () => this.queue.add(type, data, { jobId }));
    } catch (error) {
      this.room.wasRefused(error);
      throw error;
    }
  }

  /** At every connection: a Redis that comes back may be another one, or set up anew. */
  private async appraise(): Promise<void> {
    try {
      const [, maxBytes] = (await this.connection.config('GET', 'proto-max-bulk-len').catch(() => [])) as string[];
      this.maxBytes = Number(maxBytes ?? Infinity);
      const findings = await appraiseRedis(this.connection);
      this.isDurable = findings.every(({ gravity }) => gravity === 'risky');
      for (const { gravity, text } of findings) {
        const message = `Redis does not keep the promise that a 202 is on disk: ${text}`;
        if (gravity === 'risky') this.logger.warn(message);
        else this.logger.error(message);
      }
    } catch (error) {
      this.isDurable = undefined;
      this.logger.warn(`Whether Redis keeps what it is given cannot be told: ${String(error)}`);
    }
  }
}
