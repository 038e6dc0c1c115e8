import type { Redis, Result } from 'ioredis';

/** A worker counts as alive for this long after its last sign of life. */
const ALIVE_FOR_MS = 4_000;

/**
 * For scripts: `now` in ms. All times are Redis's own, so that the clocks of two machines need not agree. Should its clock be
 * set back, what is dated in the future says nothing.
 */
export const REDIS_NOW = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000);`;
/** For scripts whose first keys are {@link WorkerHeartbeats.keys}, after {@link REDIS_NOW}: how many workers are alive. */
export const COUNT_WORKERS = `redis.call('ZCOUNT', KEYS[1], now - ${ALIVE_FOR_MS}, now)`;
/** For the same scripts: when a worker last finished a batch, for {@link finishedMsAgo}. */
export const LAST_FINISHED = `redis.call('GET', KEYS[2])`;

const BEAT = `${REDIS_NOW}
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - 60000)
if ARGV[2] == '1' then redis.call('SET', KEYS[2], now) end
return now`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    segopsBeat(consumers: string, finished: string, id: string, hasFinished: string): Result<number, Context>;
  }
}

/** Heartbeats that workers leave in Redis. */
export class WorkerHeartbeats {
  /** Of the workers and their last heartbeats, and of when any last finished a batch. */
  readonly keys: readonly [consumers: string, finished: string];

  /** @param toKey the whole Redis key of a name */
  constructor(
    private readonly redis: Redis,
    toKey: (name: string) => string,
  ) {
    this.keys = [toKey('segops:consumers'), toKey('segops:finished')];
    redis.defineCommand('segopsBeat', { numberOfKeys: 2, lua: BEAT });
  }

  /** Says that a worker is alive, and whether it has finished a batch since it last said so. */
  async beat(workerId: string, hasFinished: boolean): Promise<void> {
    await this.redis.segopsBeat(...this.keys, workerId, hasFinished ? '1' : '0');
  }

  /** Takes back the sign of life of a worker that ends in good order. */
  async leave(workerId: string): Promise<void> {
    await this.redis.zrem(this.keys[0], workerId);
  }
}

/** @param finishedAt as {@link LAST_FINISHED} returns it */
export function finishedMsAgo(finishedAt: string | null, now: number): number | undefined {
  return finishedAt === null || Number(finishedAt) > now ? undefined : now - Number(finishedAt);
}
