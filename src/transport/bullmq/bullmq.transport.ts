import { Logger } from '@nestjs/common';
import { createIORedisClient, Job, type JobsOptions, Queue } from 'bullmq';
import type { ChainableCommander } from 'ioredis';
import type { EventBatch } from '../event-batch.js';
import {
  type BatchHandler,
  BatchRejectedError,
  type ConsumeOptions,
  type Consumption,
  EventTransport,
  PUBLISH_TIMEOUT_MS,
  STATUS_TIMEOUT_MS,
  type TransportStatus,
  TransportUnavailableError,
} from '../event-transport.js';
import { type BatchJobData, batchJobData, rowsKey } from './batch.job.js';
import { BullMqConsumption } from './bullmq.consumption.js';
import { QueueStatus } from './queue.status.js';
import { checkDurability } from '../redis/redis.durability.js';
import { askRedis } from '../redis/ask-redis.js';
import { RedisDeadLetters } from '../redis/redis.dead-letters.js';
import { notesIn, RedisNotes } from '../redis/redis.notes.js';
import type { PublishOptions, RetryNote } from '../retry-notes.js';
import { uuid7 } from '../../common/uuid7.js';
import { RedisCapacity } from './redis.capacity.js';
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
  /** For questions and heartbeats, which neither wait behind batches nor keep them waiting. */
  private readonly asking;
  private readonly queue: Queue<BatchJobData>;
  /** For the consumptions of this transport. */
  readonly queueStatus: QueueStatus;
  private readonly capacity: RedisCapacity;
  private readonly notes: RedisNotes;
  private isDurable: boolean | undefined;
  private maxBytes = Infinity;

  constructor(private readonly options: BullMqTransportOptions) {
    super();
    this.connection = failFastConnection(options, this.logger);
    this.asking = failFastConnection(options, undefined);
    this.queue = new Queue<BatchJobData>(QUEUE_NAME, {
      connection: this.connection,
      prefix: options.prefix,
      streams: { events: { maxLen: 100 } },
      // Written on connecting otherwise, where a Redis that is away would end the process.
      skipMetasUpdate: true,
    });
    // The connection logs that Redis is away, once; BullMQ would end the process if nobody listened.
    this.queue.on('error', () => undefined);
    this.queueStatus = new QueueStatus(this.asking, this.queue);
    this.deadLetters = new RedisDeadLetters(
      this.connection,
      (name) => this.queue.toKey(name),
      // A job of its own: under the batch's id it would be ignored while the job that just gave it up is still being finished.
      async (batch) => {
        await this.add(batch, {}, uuid7());
      },
    );
    this.capacity = new RedisCapacity(this.connection, this.queue, options.maxBatches ?? DEFAULT_MAX_BATCHES);
    this.notes = new RedisNotes(this.connection, (name) => this.queue.toKey(name));
    this.connection.on('ready', () => void this.judge());
  }

  publish(batch: EventBatch, options: PublishOptions = {}): Promise<readonly RetryNote[]> {
    return this.capacity.whileThereIs(batch.rows.byteLength, () => this.add(batch, options));
  }

  forget(answered: readonly RetryNote[]): Promise<void> {
    return this.notes.forget(answered);
  }

  consume(handler: BatchHandler, options: ConsumeOptions): Promise<Consumption> {
    const queue = { name: QUEUE_NAME, ...this.options };
    const { workers: heartbeats } = this.queueStatus;
    const { deadLetters, capacity } = this;
    return Promise.resolve(new BullMqConsumption(queue, { heartbeats, deadLetters, capacity }, handler, options));
  }

  async status(): Promise<TransportStatus> {
    if (this.connection.status !== 'ready')
      throw new TransportUnavailableError('Redis takes no batches: not connected');
    const status = await askRedis(this.asking, 'tell its state', STATUS_TIMEOUT_MS, () => this.queueStatus.read());
    const { memoryRatio, isFull, refusal } = this.capacity;
    return { ...status, memoryRatio, isRefusing: isFull, refusal, isDurable: this.isDurable };
  }

  async close(): Promise<void> {
    this.capacity.close();
    await this.queue.close();
    this.connection.disconnect();
    this.asking.disconnect();
  }

  /** Adds a batch whether or not there is room for more. */
  private async add(batch: EventBatch, options: PublishOptions, jobId = batch.id): Promise<readonly RetryNote[]> {
    const { byteLength } = batch.rows;
    // Redis would close the connection over it, and all that is on its way there would fail.
    if (byteLength > this.maxBytes) {
      throw new BatchRejectedError(`Redis takes no batch of ${byteLength} bytes. Raise its proto-max-bulk-len.`);
    }
    try {
      return await askRedis(this.connection, 'take a batch', PUBLISH_TIMEOUT_MS, () =>
        this.write(batch, options, jobId),
      );
    } catch (error) {
      this.capacity.wasRefused(error);
      throw error;
    }
  }

  /**
   * The rows and the job, both or neither, in one message and one write to Redis's disk. When an older note turns up between them,
   * the rows are gone before the job is there, and the job ends by itself.
   */
  private async write(batch: EventBatch, options: PublishOptions, jobId: string): Promise<readonly RetryNote[]> {
    const { buffer, byteOffset, byteLength } = batch.rows;
    const job = new Job(this.queue, batch.type, batchJobData(batch, jobId), { ...JOB_OPTIONS, jobId }, jobId);
    // Its scripts are on the connection from then on.
    await this.queue.waitUntilReady();
    const transaction = createIORedisClient(this.connection).multi();
    const key = rowsKey(this.queue.toKey(''), jobId);
    transaction.set(key, Buffer.from(buffer, byteOffset, byteLength));
    const hasNotes = (options.notes ?? []).length + (options.answered ?? []).length > 0;
    if (hasNotes) this.notes.addTo(transaction, key, options);
    // As in BullMQ's own `addBulk`; its types do not know that this client's transactions are ioredis's.
    void job.addJob(transaction as unknown as Parameters<typeof job.addJob>[0]);
    const [, older] = await this.execute(transaction);
    return hasNotes ? notesIn(older) : [];
  }

  /** @throws the first error of any of its commands */
  private async execute(multi: ChainableCommander): Promise<readonly unknown[]> {
    const results = await multi.exec().catch((error: unknown) => {
      // "EXECABORT", of which these are the reason.
      const [reason] = (error as { readonly previousErrors?: readonly Error[] }).previousErrors ?? [];
      throw reason ?? error;
    });
    for (const [error] of results ?? []) {
      if (error === null) continue;
      // ioredis takes a script for known on its connection for ever, and does not look into transactions for this answer.
      if (error.message.includes('NOSCRIPT')) this.connection.disconnect(true);
      throw error;
    }
    return (results ?? []).map(([, answer]): unknown => answer);
  }

  /** At every connection: a Redis that comes back may be another one, or set up anew. */
  private async judge(): Promise<void> {
    try {
      const [, maxBytes] = (await this.connection.config('GET', 'proto-max-bulk-len').catch(() => [])) as string[];
      this.maxBytes = Number(maxBytes ?? Infinity);
      const findings = await checkDurability(this.connection);
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
