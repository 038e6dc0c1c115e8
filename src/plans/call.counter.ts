import { Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { Configuration } from '../config/configuration.js';
import { LimitCounters } from './limit.counters.js';
import type { RateLimit } from './rate-limit.headers.js';

const WINDOW_SECONDS = 60;
/** Of the tenants that are over at the same time; beyond that the longest unseen costs Redis a question again. */
const MAX_REMEMBERED = 10_000;

export interface CallCount extends RateLimit {
  /** Whether this call was one too many. */
  readonly exceeded: boolean;
}

/** Counts the calls of tenants, over all instances, in minutes that start with a tenant's first call. */
@Injectable()
export class CallCounter {
  private readonly keyPrefix: string;
  /** By limit. They share the counters in Redis, so that a changed limit goes on with the same minute. */
  private readonly limiters = new Map<number, RateLimiterRedis>();
  /**
   * When the minute ends of tenants that have no call left, on the clock of `performance.now()`. By limit and tenant, so
   * that a raised limit is in force at once. The limiter's own memory would not do: whoever asks it cannot tell an answer
   * of Redis from one without.
   */
  private readonly usedUp = new LRUCache<string, number>({ max: MAX_REMEMBERED });

  constructor(
    { queuePrefix }: Configuration,
    private readonly counters: LimitCounters,
  ) {
    this.keyPrefix = `${queuePrefix}:limits:calls`;
  }

  /**
   * Counts one call; undefined when it cannot be counted. A tenant that has used up its calls is refused without Redis until
   * its minute ends.
   */
  async count(tenantId: string, limit: number): Promise<CallCount | undefined> {
    const key = `${limit} ${tenantId}`;
    const msLeft = (this.usedUp.get(key) ?? 0) - performance.now();
    if (msLeft > 0) {
      return { limit, remaining: 0, resetSeconds: secondsOf(msLeft), exceeded: true };
    }
    const answer = await this.counters.ask('calls', (redis) => consume(this.limiterOf(limit, redis), tenantId));
    if (answer === undefined) {
      return undefined;
    }
    const { remainingPoints, msBeforeNext } = answer.result;
    if (remainingPoints === 0) this.usedUp.set(key, performance.now() + msBeforeNext);
    return { limit, remaining: remainingPoints, resetSeconds: secondsOf(msBeforeNext), exceeded: answer.exceeded };
  }

  private limiterOf(limit: number, redis: Redis): RateLimiterRedis {
    const known = this.limiters.get(limit);
    if (known !== undefined) {
      return known;
    }
    const limiter = new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: this.keyPrefix,
      points: limit,
      duration: WINDOW_SECONDS,
    });
    this.limiters.set(limit, limiter);
    return limiter;
  }
}

async function consume(
  limiter: RateLimiterRedis,
  tenantId: string,
): Promise<{ readonly result: RateLimiterRes; readonly exceeded: boolean }> {
  try {
    return { result: await limiter.consume(tenantId), exceeded: false };
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return { result: refusal, exceeded: true };
    throw refusal;
  }
}

/** Rounded up, and never 0: who comes back after so many seconds must find the next minute. */
function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
