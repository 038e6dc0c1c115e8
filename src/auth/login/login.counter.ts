import type { Redis } from 'ioredis';
import {
  type IRateLimiterOptions,
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  type RateLimiterRes,
  RLWrapperTimeouts,
} from 'rate-limiter-flexible';

/** Longer than any usual pause of Redis. */
const REDIS_ANSWERS_WITHIN_MS = 300;

interface CounterOptions {
  readonly keyPrefix: string;
  /** From the first of a key on. */
  readonly windowSeconds: number;
  /** Called for each count that comes from this instance's memory because Redis did not answer. */
  readonly onAlone?: () => void;
}

export interface LoginCount {
  readonly count: number;
  /** Until the window ends. */
  readonly msLeft: number;
}

/**
 * Counts logins by key in Redis, for all instances together. While Redis does not answer, and in a deployment without Redis,
 * this instance counts in its own memory, so that logins stay possible and limited.
 */
export class LoginCounter {
  private readonly limiter: RateLimiterAbstract;
  private readonly windowSeconds: number;

  constructor(redis: Redis | null, { keyPrefix, windowSeconds, onAlone }: CounterOptions) {
    // It only counts: the throttle decides.
    const options = { keyPrefix, points: Number.MAX_SAFE_INTEGER, duration: windowSeconds };
    this.windowSeconds = windowSeconds;
    this.limiter = redis === null ? new RateLimiterMemory(options) : sharedLimiter(redis, options, onAlone);
  }

  async get(key: string): Promise<LoginCount> {
    const found = await this.limiter.get(key);
    return { count: found?.consumedPoints ?? 0, msLeft: Math.max(0, found?.msBeforeNext ?? 0) };
  }

  async add(key: string): Promise<void> {
    await this.limiter.penalty(key);
  }

  /** Counts one, in a window that begins now. */
  async begin(key: string): Promise<void> {
    await this.limiter.set(key, 1, this.windowSeconds);
  }

  async clear(key: string): Promise<void> {
    await this.limiter.delete(key);
  }
}

function sharedLimiter(redis: Redis, options: IRateLimiterOptions, onAlone?: () => void): RateLimiterAbstract {
  return new RLWrapperTimeouts({
    limiter: new RateLimiterRedis({ ...options, storeClient: redis, rejectIfRedisNotReady: true }),
    // On the wrapper: a command that fails after its deadline is not counted twice.
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
