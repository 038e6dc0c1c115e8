import type { Queue } from 'bullmq';
import type { Redis, Result } from 'ioredis';
import { uuid7Time } from '../../common/uuid7.js';
import type { TransportStatus } from '../event-transport.js';

/** A worker counts as alive for this long after its last sign of life. */
export const ALIVE_FOR_MS = 4_000;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    segopsBeat(consumers: string, finished: string, id: string, hasFinished: string): Result<number, Context>;
    segopsPulse(...keysAndArgs: string[]): Result<PulseReply, Context>;
  }
}

type PulseReply = [
  now: number,
  consumers: number,
  waiting: number,
  active: number,
  delayed: number,
  oldestWaiting: string | null,
  oldestActive: string | null,
  finishedAt: string | null,
  delayedIds: string[],
];

/**
 * Batches that failed and wait for their next attempt are in the order of that attempt, not of age: the oldest of those that
 * are due first stands for all. They come round within half a minute.
 */
const DELAYED_ASKED_FOR = 100;

// All times are Redis's own, so that the clocks of two machines need not agree. Should its clock be set back, what is dated
// in the future says nothing.
const NOW = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000);`;

const BEAT = `${NOW}
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - 60000)
if ARGV[2] == '1' then redis.call('SET', KEYS[2], now) end
return now`;

const PULSE = `${NOW}
return {
  now,
  redis.call('ZCOUNT', KEYS[1], now - tonumber(ARGV[1]), now),
  redis.call('LLEN', KEYS[3]), redis.call('LLEN', KEYS[4]), redis.call('ZCARD', KEYS[5]),
  redis.call('LINDEX', KEYS[3], -1), redis.call('LINDEX', KEYS[4], -1),
  redis.call('GET', KEYS[2]),
  redis.call('ZRANGE', KEYS[5], 0, ${DELAYED_ASKED_FOR - 1})
}`;

/** Signs of life that workers leave in Redis beside the queue, and what they and the queue's lengths say together. */
export class QueuePulse {
  constructor(
    private readonly redis: Redis,
    private readonly queue: Pick<Queue, 'toKey'>,
  ) {
    redis.defineCommand('segopsBeat', { numberOfKeys: 2, lua: BEAT });
    redis.defineCommand('segopsPulse', { numberOfKeys: 5, lua: PULSE });
  }

  /** Says that a worker is alive, and whether it has finished a batch since it last said so. */
  async beat(workerId: string, hasFinished: boolean): Promise<void> {
    await this.redis.segopsBeat(this.consumersKey, this.finishedKey, workerId, hasFinished ? '1' : '0');
  }

  /** Takes back the sign of life of a worker that ends in good order. */
  async leave(workerId: string): Promise<void> {
    await this.redis.zrem(this.consumersKey, workerId);
  }

  async read(): Promise<TransportStatus> {
    const [now, consumers, waiting, active, delayed, oldestWaiting, oldestActive, finishedAt, delayedIds] =
      await this.redis.segopsPulse(
        this.consumersKey,
        this.finishedKey,
        this.queue.toKey('wait'),
        this.queue.toKey('active'),
        this.queue.toKey('delayed'),
        String(ALIVE_FOR_MS),
      );
    const ages = [oldestWaiting, oldestActive, ...delayedIds]
      .filter((id) => id !== null)
      .map((id) => now - uuid7Time(id));
    return {
      consumers,
      pending: waiting + active + delayed,
      oldestPendingMs: Math.max(0, ...ages),
      lastFinishedMsAgo: finishedAt === null || Number(finishedAt) > now ? undefined : now - Number(finishedAt),
    };
  }

  private get consumersKey(): string {
    return this.queue.toKey('segops:consumers');
  }

  private get finishedKey(): string {
    return this.queue.toKey('segops:finished');
  }
}
