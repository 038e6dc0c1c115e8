import type { Queue } from 'bullmq';
import type { Redis, Result } from 'ioredis';
import { uuid7Time } from '../../common/uuid7.js';
import type { TransportStatus } from '../event-transport.js';
import { COUNT_WORKERS, finishedMsAgo, LAST_FINISHED, REDIS_NOW, WorkerPulse } from '../redis/worker.pulse.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
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

const PULSE = `${REDIS_NOW}
return {
  now,
  ${COUNT_WORKERS},
  redis.call('LLEN', KEYS[3]), redis.call('LLEN', KEYS[4]), redis.call('ZCARD', KEYS[5]),
  redis.call('LINDEX', KEYS[3], -1), redis.call('LINDEX', KEYS[4], -1),
  ${LAST_FINISHED},
  redis.call('ZRANGE', KEYS[5], 0, ${DELAYED_ASKED_FOR - 1})
}`;

/** What the workers' signs of life and the queue's lengths say together. */
export class QueuePulse {
  readonly workers: WorkerPulse;

  constructor(
    private readonly redis: Redis,
    private readonly queue: Pick<Queue, 'toKey'>,
  ) {
    this.workers = new WorkerPulse(redis, (name) => queue.toKey(name));
    redis.defineCommand('segopsPulse', { numberOfKeys: 5, lua: PULSE });
  }

  async read(): Promise<TransportStatus> {
    const [now, consumers, waiting, active, delayed, oldestWaiting, oldestActive, finishedAt, delayedIds] =
      await this.redis.segopsPulse(
        ...this.workers.keys,
        this.queue.toKey('wait'),
        this.queue.toKey('active'),
        this.queue.toKey('delayed'),
      );
    const times = [oldestWaiting, oldestActive, ...delayedIds].filter((id) => id !== null).map((id) => uuid7Time(id));
    const oldest = Math.min(...times);
    return {
      consumers,
      pending: waiting + active + delayed,
      oldestPendingMs: Math.max(0, now - oldest),
      oldestPendingAt: times.length === 0 ? undefined : oldest,
      lastFinishedMsAgo: finishedMsAgo(finishedAt, now),
    };
  }
}
