import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { NamedBudget } from './budgets.js';
import { LimitCounters } from './counters/limit.counters.js';
import type { RateLimit } from './rate-limit.headers.js';

/** Of the budgets that are used up at the same time; beyond that the longest unseen costs a question again. */
const MAX_REMEMBERED = 10_000;

/** What is left of the budget that has the least left. */
export interface CallCount extends RateLimit {
  readonly holder: NamedBudget['holder'];
  /** Whether this call was one too many. */
  readonly exceeded: boolean;
}

/** Counts calls, over all instances, in minutes that start with the first call of each budget. */
@Injectable()
export class CallCounter {
  /**
   * When budgets that are used up begin anew, on the clock of `performance.now()`. By limit and name, so that a raised
   * limit is in force at once.
   */
  private readonly usedUp = new LRUCache<string, number>({ max: MAX_REMEMBERED });

  constructor(private readonly counters: LimitCounters) {}

  /**
   * Counts one call against all budgets, or, when one is used up, against none; undefined when it cannot be counted. What
   * is known to be used up is refused without being asked about.
   */
  async count(budgets: readonly NamedBudget[]): Promise<CallCount | undefined> {
    for (const budget of budgets) {
      const msLeft = (this.usedUp.get(keyOf(budget)) ?? 0) - performance.now();
      if (msLeft > 0) return countOf(budget, 0, msLeft, true);
    }
    const taken = await this.counters.take('calls', budgets, 1);
    if (taken === undefined) {
      return undefined;
    }
    const exceeded = taken.short !== undefined;
    let least: CallCount | undefined;
    for (const [i, budget] of budgets.entries()) {
      const { used = 0, msLeft = 0 } = taken.budgets[i] ?? {};
      const remaining = Math.max(0, budget.limit - used - (exceeded ? 0 : 1));
      if (remaining === 0) this.usedUp.set(keyOf(budget), performance.now() + msLeft);
      if (least === undefined || remaining < least.remaining) least = countOf(budget, remaining, msLeft, exceeded);
    }
    return least;
  }
}

function keyOf({ limit, name }: NamedBudget): string {
  return `${limit} ${name}`;
}

/** Seconds are rounded up, and never 0: who comes back after so many must find the next minute. */
function countOf({ limit, holder }: NamedBudget, remaining: number, msLeft: number, exceeded: boolean): CallCount {
  return { limit, remaining, resetSeconds: Math.max(1, Math.ceil(msLeft / 1000)), holder, exceeded };
}
