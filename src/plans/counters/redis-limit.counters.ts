import type { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { LimiterMetrics } from '../../metrics/limiter.metrics.js';
import { type CallsOfMinute, type EventAccount, type EventCount, LimitCounters } from './limit.counters.js';
import { LimitRedis } from './limit.redis.js';
import { MINUTE } from './minute.js';

/** Checks and counts in one step, so that instances cannot exceed a limit together. Answers [whether counted, count before]. */
const RESERVE = `
local used = tonumber(redis.call('GET', KEYS[1]) or 0)
if used + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return {0, used} end
redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('EXPIREAT', KEYS[1], ARGV[3])
return {1, used}`;

/** A count that is gone is not brought back, below zero and without an end. */
const RELEASE = `
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DECRBY', KEYS[1], ARGV[1]) end`;

/** Counts in the Redis that all instances share. */
export class RedisLimitCounters extends LimitCounters {
  private readonly redis: LimitRedis;
  private readonly minutes: RateLimiterRedis;

  /** @param keyPrefix of every key of a limit */
  constructor(
    redis: Redis,
    metrics: LimiterMetrics,
    private readonly keyPrefix: string,
  ) {
    super();
    this.redis = new LimitRedis(redis, metrics);
    this.minutes = new RateLimiterRedis({ ...MINUTE, storeClient: redis, keyPrefix: `${keyPrefix}:calls` });
  }

  async addCall(tenantId: string): Promise<CallsOfMinute | undefined> {
    const answer = await this.redis.ask('calls', () => this.minutes.consume(tenantId));
    return answer && { calls: answer.consumedPoints, msLeft: answer.msBeforeNext };
  }

  async reserveEvents(account: EventAccount, events: number, limit: number): Promise<EventCount | undefined> {
    const answer = await this.redis.ask('events', (redis) =>
      redis.eval(RESERVE, 1, this.keyOf(account), events, limit, account.expiresAt),
    );
    if (answer === undefined) {
      return undefined;
    }
    const [counted, used] = answer as [0 | 1, number];
    return { isCounted: counted === 1, used };
  }

  async releaseEvents(account: EventAccount, events: number): Promise<void> {
    await this.redis.ask('events', (redis) => redis.eval(RELEASE, 1, this.keyOf(account), events));
  }

  private keyOf({ tenantId, month }: EventAccount): string {
    return `${this.keyPrefix}:events:${tenantId}:${month}`;
  }
}
