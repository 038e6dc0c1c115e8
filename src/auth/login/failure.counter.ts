import type { Redis } from 'ioredis';
import {
  type IRateLimiterOptions,
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  type RateLimiterRes,
  RLWrapperTimeouts,
} from 'rate-limiter-flexible';

/** Longer than any usual pause of Redis; a login that waits for it takes as long again as checking the password. */
const REDIS_ANSWERS_WITHIN_MS = 300;

interface CounterOptions {
  readonly keyPrefix: string;
  /** Failures that are allowed in one window. */
  readonly limit: number;
  /** From the first failure of a key on. */
  readonly windowSeconds: number;
  /** Called for each question that this instance answers alone, as Redis gives no answer. */
  readonly onAlone?: () => void;
}

/**
 * Counts failures by key in Redis, for all instances together; in the memory of this one while Redis gives no answer, so
 * that logins go on and stay limited, and in a deployment without Redis, which has no other.
 */
export class FailureCounter {
  private readonly limit: number;
  private readonly limiter: RateLimiterAbstract;

  constructor(redis: Redis | null, { keyPrefix, limit, windowSeconds, onAlone }: CounterOptions) {
    const options = { keyPrefix, points: limit, duration: windowSeconds };
    this.limit = limit;
    this.limiter = redis === null ? new RateLimiterMemory(options) : sharedLimiter(redis, options, onAlone);
  }

  /** How long this key must wait for its next attempt, in milliseconds: 0 below the limit. */
  async msToWait(key: string): Promise<number> {
    const count = await this.limiter.get(key);
    return count === null || count.consumedPoints < this.limit ? 0 : Math.max(0, count.msBeforeNext);
  }

  async add(key: string): Promise<void> {
    await this.limiter.penalty(key);
  }

  async clear(key: string): Promise<void> {
    await this.limiter.delete(key);
  }
}

function sharedLimiter(redis: Redis, options: IRateLimiterOptions, onAlone?: () => void): RateLimiterAbstract {
  return new RLWrapperTimeouts({
    limiter: new RateLimiterRedis({ ...options, storeClient: redis, rejectIfRedisNotReady: true }),
    // Of the wrapper, not of what it wraps: a command that fails after its deadline is not counted twice.
    insuranceLimiter: new Fallback(options, onAlone),
    timeoutMs: REDIS_ANSWERS_WITHIN_MS,
  });
}

class Fallback extends RateLimiterMemory {
  constructor(
    options: IRateLimiterOptions,
    private readonly onAsked: (() => void) | undefined,
  ) {
    super(options);
  }

  override get(key: string | number): Promise<RateLimiterRes | null> {
    this.onAsked?.();
    return super.get(key);
  }
}
