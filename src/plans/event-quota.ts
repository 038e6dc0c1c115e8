import { Injectable } from '@nestjs/common';
import type { ApiError } from '../common/api-error.js';
import { tooManyRequests } from '../common/errors.js';
import { LimiterMetrics } from '../metrics/limiter.metrics.js';
import { type EventAccount, LimitCounters } from './counters/limit.counters.js';
import { QuotaClock } from './quota.clock.js';
import { quotaMonthOf } from './quota.month.js';
import { rateLimitHeaders } from './rate-limit.headers.js';
import { type TenantPlan, TenantLimits } from './tenant-limits.service.js';

/** How long a month's count outlives it: until no instance's clock can still be in it, and for a look at the last days. */
const KEEP_AFTER_END_SECONDS = 3 * 24 * 60 * 60;

/** Events that were counted; in which month, their release need not ask again. */
export interface Reservation {
  readonly account: EventAccount;
  readonly events: number;
}

/** Counts the events that tenants have accepted in a calendar month (UTC), over all instances, up to what their plan allows. */
@Injectable()
export class EventQuota {
  constructor(
    private readonly limits: TenantLimits,
    private readonly counters: LimitCounters,
    private readonly clock: QuotaClock,
    private readonly metrics: LimiterMetrics,
  ) {}

  /**
   * Counts the events of a request, all of them or none, before they are committed.
   * @returns what to {@link release} if they are not; undefined when nothing was counted, for a tenant without limit or
   * because it could not be
   * @throws ApiError 429 when they are more than the month has left
   */
  async reserve(tenantId: string, events: number): Promise<Reservation | undefined> {
    const tenant = await this.limits.of(tenantId, 'events');
    if (tenant?.eventsPerMonth === undefined) {
      return undefined;
    }
    const limit = tenant.eventsPerMonth;
    const now = this.clock.now();
    const { name, endsAt } = quotaMonthOf(now);
    const account = { tenantId, month: name, expiresAt: endsAt.getTime() / 1000 + KEEP_AFTER_END_SECONDS };
    const count = await this.counters.reserveEvents(account, events, limit);
    if (count === undefined) {
      return undefined;
    }
    if (!count.isCounted) {
      this.metrics.limited('events');
      throw exhausted(tenant.plan, { limit, remaining: Math.max(0, limit - count.used), events, now, endsAt });
    }
    return { account, events };
  }

  /** Gives back what was reserved for events that were not accepted. Best effort: what cannot be given back stays counted. */
  async release(reservation: Reservation | undefined): Promise<void> {
    if (reservation === undefined) {
      return;
    }
    await this.counters.releaseEvents(reservation.account, reservation.events);
  }
}

function exhausted(
  plan: TenantPlan['plan'],
  {
    limit,
    remaining,
    events,
    now,
    endsAt,
  }: { limit: number; remaining: number; events: number; now: Date; endsAt: Date },
): ApiError {
  const resetSeconds = Math.max(1, Math.ceil((endsAt.getTime() - now.getTime()) / 1000));
  return tooManyRequests(
    `The plan ${plan} allows ${limit} events a month; ${remaining} are left until ${endsAt.toISOString().slice(0, 10)} (UTC), and this request has ${events}. None of it was accepted. Choose a larger plan to send more.`,
    resetSeconds,
    rateLimitHeaders({ limit, remaining, resetSeconds }),
  );
}
