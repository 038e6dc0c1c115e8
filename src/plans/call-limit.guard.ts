import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { tooManyRequests } from '../common/errors.js';
import { Configuration } from '../config/configuration.js';
import { LimiterMetrics } from '../metrics/api.metrics.js';
import { callBudgets, type NamedBudget, spenderOf } from './budgets.js';
import { LimitCounters, type RateLimit, rateLimitHeaders } from './counters/limit.counters.js';
import { TenantLimits } from './tenant-limits.service.js';

/** Used-up budgets that are remembered; beyond that the least recently used is asked about again. */
const MAX_REMEMBERED = 10_000;

/** The budget with the least left. */
interface CallCount extends RateLimit {
  readonly holder: NamedBudget['holder'];
  /** Whether this call was beyond it. */
  readonly exceeded: boolean;
}

/** Counts calls, over all instances, in minutes that start with the first call of each budget. */
@Injectable()
export class CallCounter {
  /** When used-up budgets start anew, on the clock of `performance.now()`. By limit too: a raised one is in force at once. */
  private readonly usedUp = new LRUCache<string, number>({ max: MAX_REMEMBERED });

  constructor(private readonly counters: LimitCounters) {}

  /**
   * Counts one call against all budgets, or against none when one is used up; undefined when it cannot be counted. A budget that
   * is known to be used up is not asked about again.
   */
  async count(budgets: readonly NamedBudget[]): Promise<CallCount | undefined> {
    for (const budget of budgets) {
      const msLeft = (this.usedUp.get(keyOf(budget)) ?? 0) - performance.now();
      if (msLeft > 0) return countOf(budget, 0, msLeft, true);
    }
    const taken = await this.counters.take('calls', budgets, 1);
    if (taken === undefined) return undefined;
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

/** Seconds are rounded up, and never 0, so that a retry after them finds the next minute. */
function countOf({ limit, holder }: NamedBudget, remaining: number, msLeft: number, exceeded: boolean): CallCount {
  return { limit, remaining, resetSeconds: Math.max(1, Math.ceil(msLeft / 1000)), holder, exceeded };
}

/**
 * Rejects calls beyond what the tenant's plan allows in a minute, and tells the others how many are left. Runs after the
 * credential guard; calls without a principal have no limit.
 */
@Injectable()
export class CallLimitGuard implements CanActivate {
  constructor(
    private readonly limits: TenantLimits,
    private readonly calls: CallCounter,
    private readonly metrics: LimiterMetrics,
    private readonly configuration: Configuration,
  ) {}

  /** @throws ApiError 429 with the plan, its limit, and when to come back */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const http = context.switchToHttp();
    const { principal, ip } = http.getRequest<FastifyRequest>();
    if (principal === undefined) return true;
    const tenant = await this.limits.of(principal.tenantId, 'calls');
    if (tenant?.callsPerMinute === undefined) return true;
    const spender = spenderOf(principal, ip);
    const count = await this.calls.count(callBudgets(tenant.callsPerMinute, spender, this.configuration));
    if (count === undefined) return true;
    void http.getResponse<FastifyReply>().headers(rateLimitHeaders(count));
    if (count.exceeded) {
      this.metrics.limited('calls');
      throw tooManyRequests(
        `The plan ${tenant.plan} allows ${count.holder}${count.limit} calls a minute. Try again in ${count.resetSeconds} s, send several events in one call, or choose a larger plan.`,
        count.resetSeconds,
      );
    }
    return true;
  }
}
