import type { Redis, Result } from 'ioredis';
import { uuid7Time } from '../../common/uuid7.js';
import type { EventBatch } from '../event-batch.js';
import { STATUS_TIMEOUT_MS } from '../event-transport.js';
import { askRedis } from '../redis/ask-redis.js';
import {
  COUNT_WORKERS,
  finishedMsAgo,
  LAST_FINISHED,
  REDIS_NOW,
  WorkerHeartbeats,
} from '../redis/worker.heartbeats.js';

/** Changes of so long go to Redis together. */
const TELL_EVERY_MS = 20;
/** A worker that waits for Redis longer than this goes on; it tells later. */
const TELL_WITHIN_MS = 250;
/**
 * Pub/Sub gives an idle worker what waits within seconds, and what was in a dead worker's hands when its lease has run out, after
 * 20 s at most. When all have been idle for longer, nothing waits.
 */
const NOTHING_WAITS_AFTER_IDLE_MS = 35_000;
/** By then the two changes of a batch, which may come in either order, have met. */
const SETTLED_AFTER_S = 600;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    segopsCountBacklog(backlog: string, ...secondsAndChanges: string[]): Result<null, Context>;
    segopsBacklog(...keys: string[]): Result<BacklogReply, Context>;
    segopsIdle(busyAt: string, backlog: string, isBusy: string): Result<null, Context>;
  }
}

type BacklogReply = [now: number, consumers: number, finishedAt: string | null, pending: number, oldestSecond: number];

const COUNT_BACKLOG = `
for i = 1, #ARGV, 2 do
  if redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) == 0 then redis.call('HDEL', KEYS[1], ARGV[i]) end
end`;

const BACKLOG = `${REDIS_NOW}
local pending, oldest = 0, 0
local entries = redis.call('HGETALL', KEYS[3])
for i = 1, #entries, 2 do
  local second, count = tonumber(entries[i]), tonumber(entries[i + 1])
  if count > 0 then
    pending = pending + count
    if oldest == 0 or second < oldest then oldest = second end
  elseif second < now / 1000 - ${SETTLED_AFTER_S} then
    redis.call('HDEL', KEYS[3], entries[i])
  end
end
return { now, ${COUNT_WORKERS}, ${LAST_FINISHED}, pending, oldest }`;

const IDLE = `${REDIS_NOW}
local busyAt = redis.call('GET', KEYS[1])
if ARGV[1] == '1' or not busyAt then
  redis.call('SET', KEYS[1], now)
elseif now - busyAt > ${NOTHING_WAITS_AFTER_IDLE_MS} then
  redis.call('DEL', KEYS[2])
end`;

/** What the count knows; all of it is undefined in a status when Redis cannot be asked. */
export interface Backlog {
  readonly consumers: number;
  readonly pending: number;
  readonly oldestPendingMs: number;
  readonly oldestPendingAt: number | undefined;
  readonly lastFinishedMsAgo: number | undefined;
}

/**
 * How much waits in Pub/Sub, which itself tells only its monitoring, minutes later. Publishers and workers count in the Redis
 * that they share: one hash of batches by the second in which they were accepted, as their ids say, up with each that was
 * published and down with each that was finished. The two add up in any order.
 *
 * It is an estimate and no promise: no event depends on it. A crash between an event and its count leaves it wrong by one, which
 * the next half minute of quiet mends.
 */
export class BacklogCount {
  readonly workers: WorkerHeartbeats;
  private readonly backlogKey: string;
  private readonly busyKey: string;
  private changes = new Map<number, number>();
  private timer: NodeJS.Timeout | undefined;
  private telling: Promise<void> | undefined;

  /** @param toKey the whole Redis key of a name */
  constructor(
    private readonly redis: Redis,
    toKey: (name: string) => string,
  ) {
    this.workers = new WorkerHeartbeats(redis, toKey);
    this.backlogKey = toKey('segops:backlog');
    this.busyKey = toKey('segops:busy');
    redis.defineCommand('segopsCountBacklog', { numberOfKeys: 1, lua: COUNT_BACKLOG });
    redis.defineCommand('segopsBacklog', { numberOfKeys: 3, lua: BACKLOG });
    redis.defineCommand('segopsIdle', { numberOfKeys: 2, lua: IDLE });
  }

  /** A batch is in Pub/Sub. Redis is told a little later. */
  published(batch: EventBatch): void {
    this.change(batch, 1);
  }

  /**
   * A batch will leave Pub/Sub now. Resolves when Redis knows, so that a worker that is killed after it leaves no count of what
   * has gone; and after a quarter of a second in any case. Never rejects.
   */
  async finished(batch: EventBatch): Promise<void> {
    this.change(batch, -1);
    await this.tell();
  }

  /** Says that a worker is alive, whether it has finished a batch since it last said so, and whether it had any in hand. */
  async beat(workerId: string, { hasFinished, isBusy }: { hasFinished: boolean; isBusy: boolean }): Promise<void> {
    await Promise.all([
      this.tell(),
      this.workers.beat(workerId, hasFinished),
      this.redis.segopsIdle(this.busyKey, this.backlogKey, isBusy ? '1' : '0'),
    ]);
  }

  /** @throws TransportUnavailableError when Redis cannot be asked within a second */
  async read(): Promise<Backlog> {
    await this.tell();
    const [now, consumers, finishedAt, pending, oldestSecond] = await askRedis(
      this.redis,
      'tell what waits',
      STATUS_TIMEOUT_MS,
      () => this.redis.segopsBacklog(...this.workers.keys, this.backlogKey),
    );
    return {
      consumers,
      pending,
      oldestPendingMs: pending === 0 ? 0 : Math.max(0, now - oldestSecond * 1000),
      // The end of that second: whoever asks whether all before it is stored counts in it.
      oldestPendingAt: pending === 0 ? undefined : oldestSecond * 1000 + 999,
      lastFinishedMsAgo: finishedMsAgo(finishedAt, now),
    };
  }

  /** Tells Redis what it does not know yet, if it can be told. Never rejects. */
  async tell(): Promise<void> {
    this.telling ??= new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => {
        this.telling = undefined;
        return this.send();
      })
      .catch(() => undefined);
    await this.telling;
  }

  private change({ id }: EventBatch, by: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.tell();
    }, TELL_EVERY_MS).unref();
    const second = Math.floor(uuid7Time(id) / 1000);
    this.changes.set(second, (this.changes.get(second) ?? 0) + by);
  }

  private async send(): Promise<void> {
    if (this.changes.size === 0 || this.redis.status !== 'ready') return;
    const sent = this.changes;
    this.changes = new Map();
    const words = [...sent].filter(([, by]) => by !== 0).flatMap(([second, by]) => [String(second), String(by)]);
    try {
      await askRedis(this.redis, 'count batches', TELL_WITHIN_MS, () =>
        this.redis.segopsCountBacklog(this.backlogKey, ...words),
      );
    } catch {
      // Whether it was counted, nobody knows. Too few waiting batches are a smaller lie than some that wait for ever.
      for (const [second, by] of sent) {
        if (by < 0) this.changes.set(second, (this.changes.get(second) ?? 0) + by);
      }
    }
  }
}
