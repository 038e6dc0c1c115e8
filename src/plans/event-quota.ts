import { Injectable } from '@nestjs/common';
import { tooManyRequests } from '../common/errors.js';
import { Configuration } from '../config/configuration.js';
import { LimiterMetrics } from '../metrics/api.metrics.js';
import { eventBudgets, type NamedBudget, quotaMonthOf, type Spender } from './budgets.js';
import { type Budget, LimitCounters, rateLimitHeaders } from './counters/limit.counters.js';
import { TenantLimits } from './tenant-limits.service.js';

/** The clock of months; a provider, so that a test can set it. */
@Injectable()
export class QuotaClock {
  now(): Date {
    return new Date();
  }
}

/** Counted events and their budgets, for the release. */
interface Reservation {
  readonly budgets: readonly Budget[];
  readonly events: number;
}

/** Counts tenants' accepted events in a calendar month (UTC), over all instances, up to their plans' limits. */
@Injectable()
export class EventQuota {
  constructor(
    private readonly limits: TenantLimits,
    private readonly counters: LimitCounters,
    private readonly clock: QuotaClock,
    private readonly metrics: LimiterMetrics,
    private readonly configuration: Configuration,
  ) {}

  /**
   * Counts the events of a request, all of them or none, before they are committed.
   * @returns what to {@link release} if they are not; undefined when nothing was counted
   * @throws ApiError 429 when they are more than is left
   */
  async reserve(spender: Spender, events: number): Promise<Reservation | undefined> {
    const tenant = await this.limits.of(spender.tenantId, 'events');
    if (tenant?.eventsPerMonth === undefined) return undefined;
    const now = this.clock.now();
    const month = quotaMonthOf(now);
    const budgets = eventBudgets(tenant.eventsPerMonth, spender, this.configuration, month);
    const taken = await this.counters.take('events', budgets, events);
    if (taken === undefined) return undefined;
    const short = taken.short === undefined ? undefined : budgets[taken.short];
    if (short !== undefined) {
      this.metrics.limited('events');
      const { used = 0, msLeft = 0 } = taken.budgets[taken.short ?? 0] ?? {};
      const endsAt = 'ms' in short.life ? new Date(now.getTime() + msLeft) : month.endsAt;
      throw exhausted(tenant.plan, short, { used, events, now, endsAt });
    }
    return { budgets, events };
  }

  /** Gives back what was reserved for events that were not accepted. Best effort: what cannot be given back stays counted. */
  async release(reservation: Reservation | undefined): Promise<void> {
    if (reservation !== undefined) {
      await this.counters.giveBack('events', reservation.budgets, reservation.events);
    }
  }
}

function exhausted(
  plan: string,
  { limit, holder, period }: NamedBudget,
  { used, events, now, endsAt }: { used: number; events: number; now: Date; endsAt: Date },
) {
  const resetSeconds = Math.max(1, Math.ceil((endsAt.getTime() - now.getTime()) / 1000));
  const remaining = Math.max(0, limit - used);
  // A month's end to the day, and what ends within a day to the minute.
  const end = period === 'a month' ? endsAt.toISOString().slice(0, 10) : endsAt.toISOString().slice(11, 16);
  return tooManyRequests(
    `The plan ${plan} allows ${holder}${limit} events ${period}; ${remaining} are left until ${end} (UTC), and this request has ${events}. None of it was accepted. Choose a larger plan to send more.`,
    resetSeconds,
    rateLimitHeaders({ limit, remaining, resetSeconds }),
  );
}
