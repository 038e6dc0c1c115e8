import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tooManyRequests } from '../common/errors.js';
import { Configuration } from '../config/configuration.js';
import { LimiterMetrics } from '../metrics/limiter.metrics.js';
import { callBudgets, spenderOf } from './budgets.js';
import { CallCounter } from './call.counter.js';
import { rateLimitHeaders } from './rate-limit.headers.js';
import { TenantLimits } from './tenant-limits.service.js';

/**
 * Stops callers that have made all the calls their tenant's plan allows in a minute, and tells the others how many are left.
 * Comes after the guard that finds out who calls; calls without a principal are nobody's.
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
    if (context.getType() !== 'http') {
      return true;
    }
    const http = context.switchToHttp();
    const { principal, ip } = http.getRequest<FastifyRequest>();
    if (principal === undefined) {
      return true;
    }
    const tenant = await this.limits.of(principal.tenantId, 'calls');
    if (tenant?.callsPerMinute === undefined) {
      return true;
    }
    const spender = spenderOf(principal, ip);
    const count = await this.calls.count(callBudgets(tenant.callsPerMinute, spender, this.configuration));
    if (count === undefined) {
      return true;
    }
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
