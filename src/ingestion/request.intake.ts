import { Injectable } from '@nestjs/common';
import type { RequestIdentity } from '../idempotency/idempotent.requests.js';
import { Retries } from '../idempotency/retries.service.js';
import { EventMetrics } from '../metrics/api.metrics.js';
import type { Admission } from './event.admission.js';
import { EventIntake } from './event.intake.js';
import { giveIdsOf } from './group-commit.js';
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
   * Resolves when the admitted rows, at least one, are on disk.
   * @param identity whose seed their ids derive from
   * @throws ApiError 429 beyond the plan's events a month, 503 when they cannot be queued
   */
  async take(
    { spender, source }: Sender,
    { rows, isRecognisable }: Admission,
    identity: RequestIdentity,
  ): Promise<void> {
    const { attempt } = identity;
    if (attempt === undefined || !isRecognisable) {
      await this.intake.take(spender, rows, source);
      return;
    }
    this.retries.claim(attempt);
    if (attempt.isDurable) {
      this.metrics.received(source, 'repeated', rows.events);
      return;
    }
    if (attempt.isRetry) giveIdsOf(attempt, rows);
    await this.intake.take(spender, rows, source, attempt);
  }
}
