import type { Queue } from 'bullmq';
import type { Redis, Result } from 'ioredis';
import { uuid7Time } from '../../common/uuid7.js';
import { COMPLIANCE_V1 } from '../event-batch.js';
import type { TransportStatus } from '../event-transport.js';
import {
  COUNT_WORKERS,
  finishedMsAgo,
  LAST_FINISHED,
  REDIS_NOW,
  WorkerHeartbeats,
} from '../redis/worker.heartbeats.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    segopsStatus(...keysAndArgs: string[]): Result<StatusReply, Context>;
  }
}

type StatusReply = [
  now: number,
  consumers: number,
  waiting: number,
  active: number,
  delayed: number,
  oldestWaiting: string | null,
  oldestActive: string | null,
  finishedAt: string | null,
  delayedIds: string[],
  oldestThatCount: (string | null)[],
];

/**
 * Batches that failed and wait for their next attempt are in the order of that attempt, not of age: the oldest of those that
 * are due first stands for all. They come round within half a minute.
 */
const DELAYED_ASKED_FOR = 100;

/** Requests about personal data wait for all else, and would else wait for each other. */
const STATUS = `${REDIS_NOW}
local function counts(id) return redis.call('HGET', KEYS[6] .. id, 'name') ~= '${COMPLIANCE_V1}' end
local function oldest(list)
  local id
  for place = -1, -${DELAYED_ASKED_FOR}, -1 do
    id = redis.call('LINDEX', list, place)
    if not id or counts(id) then return id end
  end
  return id
end
local delayed = redis.call('ZRANGE', KEYS[5], 0, ${DELAYED_ASKED_FOR - 1})
local oldestThatCount = { oldest(KEYS[3]), oldest(KEYS[4]) }
for _, id in ipairs(delayed) do
  if counts(id) then table.insert(oldestThatCount, id) end
end
return {
  now,
  ${COUNT_WORKERS},
  redis.call('LLEN', KEYS[3]), redis.call('LLEN', KEYS[4]), redis.call('ZCARD', KEYS[5]),
  redis.call('LINDEX', KEYS[3], -1), redis.call('LINDEX', KEYS[4], -1),
  ${LAST_FINISHED},
  delayed,
  oldestThatCount
}`;

/** What the workers' heartbeats and the queue's lengths say together. */
export class QueueStatus {
  readonly workers: WorkerHeartbeats;

  constructor(
    private readonly redis: Redis,
    private readonly queue: Pick<Queue, 'toKey'>,
  ) {
    this.workers = new WorkerHeartbeats(redis, (name) => queue.toKey(name));
    redis.defineCommand('segopsStatus', { numberOfKeys: 6, lua: STATUS });
  }

  async read(): Promise<TransportStatus> {
    const [
      now,
      consumers,
      waiting,
      active,
      delayed,
      oldestWaiting,
      oldestActive,
      finishedAt,
      delayedIds,
      oldestThatCount,
    ] = await this.redis.segopsStatus(
      ...this.workers.keys,
      this.queue.toKey('wait'),
      this.queue.toKey('active'),
      this.queue.toKey('delayed'),
      this.queue.toKey(''),
    );
    const ages = timesOf([oldestWaiting, oldestActive, ...delayedIds]).map((time) => now - time);
    const times = timesOf(oldestThatCount);
    return {
      consumers,
      pending: waiting + active + delayed,
      oldestPendingMs: Math.max(0, ...ages),
      oldestPendingAt: times.length === 0 ? undefined : Math.min(...times),
      lastFinishedMsAgo: finishedMsAgo(finishedAt, now),
    };
  }
}

function timesOf(ids: readonly (string | null)[]): number[] {
  return ids.filter((id) => id !== null).map((id) => uuid7Time(id));
}
