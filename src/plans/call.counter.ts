import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { LimitCounters } from './counters/limit.counters.js';
import type { RateLimit } from './rate-limit.headers.js';

/** Of the tenants that are over at the same time; beyond that the longest unseen costs a question again. */
const MAX_REMEMBERED = 10_000;

export interface CallCount extends RateLimit {
  /** Whether this call was one too many. */
  readonly exceeded: boolean;
}

/** Counts the calls of tenants, over all instances, in minutes that start with a tenant's first call. */
@Injectable()
export class CallCounter {
  /**
   * When the minute ends of tenants that have no call left, on the clock of `performance.now()`. By limit and tenant, so
   * that a raised limit is in force at once.
   */
  private readonly usedUp = new LRUCache<string, number>({ max: MAX_REMEMBERED });

  constructor(private readonly counters: LimitCounters) {}

  /**
   * Counts one call; undefined when it cannot be counted. A tenant that has used up its calls is refused without being
   * counted until its minute ends.
   */
  async count(tenantId: string, limit: number): Promise<CallCount | undefined> {
    const key = `${limit} ${tenantId}`;
    const msLeft = (this.usedUp.get(key) ?? 0) - performance.now();
    if (msLeft > 0) {
      return { limit, remaining: 0, resetSeconds: secondsOf(msLeft), exceeded: true };
    }
    const minute = await this.counters.addCall(tenantId);
    if (minute === undefined) {
      return undefined;
    }
    const remaining = Math.max(0, limit - minute.calls);
    if (remaining === 0) this.usedUp.set(key, performance.now() + minute.msLeft);
    return { limit, remaining, resetSeconds: secondsOf(minute.msLeft), exceeded: minute.calls > limit };
  }
}

/** Rounded up, and never 0: who comes back after so many seconds must find the next minute. */
function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
