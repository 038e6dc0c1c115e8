import { Injectable } from '@nestjs/common';
import type { RequestIdentity } from '../idempotency/idempotent.requests.js';
import { Retries } from '../idempotency/retries.service.js';
import { reseededId, type Seed } from '../idempotency/seed.js';
import { EventMetrics } from '../metrics/event.metrics.js';
import type { EventRow } from '../warehouse/event-row.js';
import { EventIntake } from './event.intake.js';
import type { Sender } from './sender.js';

/** Takes in what a request brought, unless an earlier attempt to send it has done so. */
@Injectable()
export class RequestIntake {
  constructor(
    private readonly retries: Retries,
    private readonly intake: EventIntake,
    private readonly metrics: EventMetrics,
  ) {}

  /**
   * Resolves when the rows, at least one, are on disk.
   * @param identity whose seed the rows' ids derive from
   * @throws ApiError 429 beyond the plan's events a month, 503 when they cannot be queued
   */
  async take({ tenantId, source }: Sender, rows: readonly EventRow[], identity: RequestIdentity): Promise<void> {
    const { attempt, seed } = identity;
    if (attempt === undefined || rows.every(({ eventId }) => eventId !== '')) {
      await this.intake.take(tenantId, rows, source);
      return;
    }
    await this.retries.claim(attempt);
    if (attempt.isDurable) {
      this.metrics.received(source, 'repeated', rows.length);
      return;
    }
    await this.intake.take(tenantId, attempt.seed === seed ? rows : reseeded(rows, attempt.seed), source, attempt);
  }
}

function reseeded(rows: readonly EventRow[], seed: Seed): readonly EventRow[] {
  return rows.map((row) => (row.eventId === '' ? { ...row, id: reseededId(row.id, seed) } : row));
}
