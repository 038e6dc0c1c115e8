import { Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import type { Redis, Result } from 'ioredis';
import { TransportUnavailableError } from '../event-transport.js';
import { isAnswer } from '../redis/ask-redis.js';

/** How much memory a Redis may take, and which part of it is used; neither when it does not tell. */
export interface RedisMemory {
  readonly memoryRatio: number | undefined;
  readonly memoryBytes: number | undefined;
}

/**
 * Reads the answer to `INFO memory`. Without a `maxmemory` the limit is the machine's memory. Counts as Redis itself does
 * before it refuses a write: without the buffers that it does not hold against the limit.
 */
export function redisMemory(info: string): RedisMemory {
  const value = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const memoryBytes = value('maxmemory') || value('total_system_memory');
  if (memoryBytes === 0) {
    return { memoryRatio: undefined, memoryBytes: undefined };
  }
  const used = Math.max(0, value('used_memory') - value('mem_not_counted_for_evict'));
  return { memoryRatio: used / memoryBytes, memoryBytes };
}

const ASK_EVERY_MS = 1_000;
/** BullMQ's scripts take memory themselves: at the limit no worker gets another batch, and nothing ever becomes free. */
const STOP_AT_MEMORY_RATIO = 0.8;
/** Accepting goes on below this part of what stopped it (70 % of the memory), so that it does not flicker around one value. */
const RESUME_AT = 7 / 8;
/** Asks sooner when what was added since the last answer takes more than this part of the memory. */
const ASK_AFTER_RATIO = 0.02;
/** What a job takes in Redis beside its rows. */
const BYTES_PER_JOB = 1024;
/** Redis's allocator has four sizes between a power of two and the next: a value takes up to a quarter more than it holds. */
const ALLOCATED = 5 / 4;

/** What Redis answers to every write, and to reads not always, while it takes none. */
const REFUSAL = /\b(READONLY|NOREPLICAS|MISCONF|OOM|MASTERDOWN|LOADING|CLUSTERDOWN)\b/;

/** A write as BullMQ's are, to Redis's rules. There is no such key, so that nothing changes and nothing goes to disk. */
const TRY_WRITING = `redis.call('SET', KEYS[1], '', 'XX')`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    segopsTryWriting(key: string): Result<null, Context>;
  }
}

/** How full the queue is, as far as Redis tells. */
interface Fullness {
  /** Of the memory that Redis may take; undefined when Redis does not tell. */
  readonly memoryRatio: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly batches: number;
}

/** Batches that Redis may not have counted yet. */
interface Load {
  bytes: number;
  batches: number;
}

/**
 * Whether Redis takes another batch: whether it takes writes, and has room. Asks Redis about once a second; in between it adds
 * up what this process sends, so that a burst stops in time too.
 */
export class RedisCapacity {
  private readonly logger = new Logger(RedisCapacity.name);
  private readonly timer: NodeJS.Timeout;
  private asking = false;
  private known: Fullness = { memoryRatio: undefined, memoryBytes: undefined, batches: 0 };
  private readonly onTheirWay: Load = { bytes: 0, batches: 0 };
  private readonly arrivedSince: Load = { bytes: 0, batches: 0 };
  private full = false;
  private refusing: string | undefined;

  constructor(
    private readonly redis: Redis,
    private readonly queue: Pick<Queue, 'toKey'>,
    private readonly maxBatches: number,
  ) {
    redis.defineCommand('segopsTryWriting', { numberOfKeys: 1, lua: TRY_WRITING });
    redis.on('ready', () => void this.ask());
    this.timer = setInterval(() => void this.ask(), ASK_EVERY_MS).unref();
  }

  /** Whether batches are refused at the moment. */
  get isFull(): boolean {
    return this.full;
  }

  /** Why Redis takes no writes at the moment, in a word; undefined when it does. */
  get refusal(): string | undefined {
    return this.refusing;
  }

  /** Used part of the memory that Redis may take, as of the last answer; undefined when it does not tell. */
  get memoryRatio(): number | undefined {
    return this.known.memoryRatio;
  }

  /**
   * Does `work`, which sends Redis a batch.
   * @throws TransportUnavailableError at once, and without the work, when there is no room for more
   */
  async whileThereIs<T>(rowBytes: number, work: () => Promise<T>): Promise<T> {
    if (this.full) {
      throw new TransportUnavailableError('Redis takes no batches: it is nearly full');
    }
    const load = { bytes: Math.ceil(rowBytes * ALLOCATED) + BYTES_PER_JOB, batches: 1 };
    add(this.onTheirWay, load, 1);
    this.askWhenNear();
    try {
      return await work();
    } finally {
      add(this.onTheirWay, load, -1);
      add(this.arrivedSince, load, 1);
    }
  }

  /**
   * Takes note of a write that failed, and logs it once if Redis takes none at the moment.
   * @returns whether that was why it failed
   */
  wasRefused(error: unknown): boolean {
    const [, code] = REFUSAL.exec(String(error)) ?? [];
    if (code === undefined) return false;
    this.noteRefusal(code.toLowerCase(), error);
    return true;
  }

  close(): void {
    clearInterval(this.timer);
  }

  private askWhenNear(): void {
    const { bytes, batches } = this.unknownLoad();
    const { memoryBytes = Infinity } = this.known;
    const isNear = bytes > memoryBytes * ASK_AFTER_RATIO || this.known.batches + batches >= this.maxBatches;
    // What is sent to a Redis that is away does not fill it.
    if (isNear && this.redis.status === 'ready') {
      this.judge();
      void this.ask();
    }
  }

  private unknownLoad(): Load {
    const sum = { ...this.onTheirWay };
    add(sum, this.arrivedSince, 1);
    return sum;
  }

  private noteRefusal(refusal: string | undefined, error?: unknown): void {
    const before = this.refusing;
    this.refusing = refusal;
    // For want of memory nothing is sent to it until it was asked and has room.
    if (refusal === 'oom') {
      if (!this.full) this.logger.error('Redis is out of memory. Batches are refused until it has room again.');
      this.full = true;
    } else if (refusal !== undefined && refusal !== before) {
      this.logger.error(`Redis takes no writes, and batches are refused until it does. ${String(error)}`);
    } else if (refusal === undefined && before !== undefined && before !== 'oom') {
      this.logger.log('Redis takes writes again.');
    }
  }

  private async tryWriting(): Promise<void> {
    try {
      await this.redis.segopsTryWriting(this.queue.toKey('segops:try-writing'));
      this.noteRefusal(undefined);
    } catch (error) {
      // Without an answer the connection is gone, and tells that itself; another node is found by it.
      if (!this.wasRefused(error) && isAnswer(error) && !error.message.startsWith('MOVED')) {
        this.noteRefusal('refused', error);
      }
    }
  }

  private async ask(): Promise<void> {
    if (this.asking || this.redis.status !== 'ready') {
      return;
    }
    this.asking = true;
    // The answer counts all that has arrived by now. What arrives until then is counted twice, until the next answer.
    const counted = { ...this.arrivedSince };
    try {
      const [info, , ...lengths] = await Promise.all([
        // An operator may forbid it; then the number of batches is all there is to go by.
        this.redis.info('memory').catch(() => ''),
        this.tryWriting(),
        this.redis.llen(this.queue.toKey('wait')),
        this.redis.llen(this.queue.toKey('active')),
        this.redis.zcard(this.queue.toKey('delayed')),
      ]);
      this.known = { ...redisMemory(info), batches: lengths.reduce((sum, length) => sum + length, 0) };
      add(this.arrivedSince, counted, -1);
      this.judge();
    } catch {
      // Redis went away, which its connection logs and every publication notices by itself.
    } finally {
      this.asking = false;
    }
  }

  private judge(): void {
    const { memoryRatio = 0, memoryBytes = Infinity, batches } = this.known;
    const unknown = this.unknownLoad();
    const pressure = Math.max(
      (memoryRatio + unknown.bytes / memoryBytes) / STOP_AT_MEMORY_RATIO,
      (batches + unknown.batches) / this.maxBatches,
    );
    const isFull = pressure >= (this.full ? RESUME_AT : 1);
    if (isFull === this.full) {
      return;
    }
    this.full = isFull;
    if (isFull)
      this.logger.error(`Redis is nearly full: ${this.describe()}. Batches are refused until workers make room.`);
    else this.logger.log(`Redis has room again: ${this.describe()}.`);
  }

  private describe(): string {
    const { memoryRatio, batches } = this.known;
    const memory = memoryRatio === undefined ? '' : `${Math.round(memoryRatio * 100)} % of its memory is used, and `;
    return `${memory}${batches} of at most ${this.maxBatches} batches wait`;
  }
}

function add(sum: Load, { bytes, batches }: Load, times: 1 | -1): void {
  sum.bytes += times * bytes;
  sum.batches += times * batches;
}
