import { Injectable } from '@nestjs/common';
import { ApiError } from '../common/errors.js';
import type { Attempt } from '../idempotency/attempt.js';
import { EventMetrics, type EventOutcome, type EventRoute } from '../metrics/api.metrics.js';
import type { Spender } from '../plans/budgets.js';
import { EventQuota } from '../plans/event-quota.js';
import type { EncodedRows } from '../warehouse/event-row.encoder.js';
import { GroupCommit } from './group-commit.js';

/** Takes rows in for a tenant: counts them against its plan, and has them written to disk. */
@Injectable()
export class EventIntake {
  constructor(
    private readonly quota: EventQuota,
    private readonly commits: GroupCommit,
    private readonly metrics: EventMetrics,
  ) {}

  /**
   * Resolves when the rows, at least one, are on disk. What is not committed is not counted.
   * @param attempt the request's, if it is noted for its retries
   * @throws ApiError 429 beyond the plan's events a month, 503 when they cannot be queued
   */
  async take(spender: Spender, rows: EncodedRows, route: EventRoute, attempt?: Attempt): Promise<void> {
    try {
      await this.reserveAndCommit(spender, rows, attempt);
      this.metrics.received(route, attempt?.isRetry === true ? 'repeated' : 'accepted', rows.events);
    } catch (error) {
      this.metrics.received(route, outcomeOf(error), rows.events);
      throw error;
    }
  }

  private async reserveAndCommit(spender: Spender, rows: EncodedRows, attempt?: Attempt): Promise<void> {
    const reservation = await this.quota.reserve(spender, rows.events);
    try {
      await this.commits.commit(rows, attempt);
    } catch (error) {
      await this.quota.release(reservation);
      throw error;
    }
  }
}

function outcomeOf(error: unknown): EventOutcome {
  return error instanceof ApiError && error.status === 429 ? 'over_limit' : 'unavailable';
}
