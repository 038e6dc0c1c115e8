import { Injectable } from '@nestjs/common';
import { invalidFields } from '../common/errors.js';
import { Configuration } from '../config/configuration.js';
import type { RequestIdentity } from '../idempotency/idempotent.requests.js';
import { EventAdmission } from './event.admission.js';
import { TOO_LARGE } from './event.validator.js';
import type { FieldError } from '../events/object.validator.js';
import type { Sender } from './sender.js';
import { RequestIntake } from './request.intake.js';
import { EventRefusal } from './request.refusals.js';
import { type EventSink, readEvent, readEvents } from './track-body.js';

/** Why an event of a batch was left out. */
export interface SkippedEvent extends FieldError {
  /** Its place in the request's list, from 0. */
  readonly index: number;
}

export interface TrackBatchResult {
  readonly queued: number;
  readonly skipped: number;
  readonly errors?: readonly SkippedEvent[];
}

/** Accepts events: what it has answered is on disk. */
@Injectable()
export class TrackService {
  constructor(
    private readonly admission: EventAdmission,
    private readonly intake: RequestIntake,
    private readonly configuration: Configuration,
  ) {}

  /**
   * Accepts the one event in a request's body.
   * @throws ApiError 400 or 413 when it is invalid, 429 beyond the plan's events a month, 503 when it cannot be queued
   */
  async track(sender: Sender, body: Buffer | undefined, identity: RequestIdentity): Promise<void> {
    const admission = await this.admission.admit(sender, identity.seed, (sink) => {
      sink.take(readEvent(body));
    });
    for (const { errors } of admission.refused) {
      throw refusal(errors);
    }
    await this.intake.take(sender, admission, identity);
  }

  /**
   * Accepts the valid events in a request's body and reports the others.
   * @throws ApiError 400 when there is no list of 1 to `MAX_BATCH_EVENTS` events, 429 when the valid ones are beyond the
   * plan's events a month, 503 when they cannot be queued
   */
  async trackBatch(sender: Sender, body: Buffer | undefined, identity: RequestIdentity): Promise<TrackBatchResult> {
    const admission = await this.admission.admit(sender, identity.seed, (sink) => {
      this.readList(body, sink);
    });
    if (admission.rows.events > 0) {
      await this.intake.take(sender, admission, identity);
    }
    const counts = { queued: admission.rows.events, skipped: admission.refused.length };
    const errors = admission.refused.flatMap(({ index, errors }) => errors.map((error) => ({ index, ...error })));
    return errors.length === 0 ? counts : { ...counts, errors };
  }

  private readList(body: Buffer | undefined, sink: EventSink): void {
    const limit = this.configuration.maxBatchEvents;
    const count = readEvents(body, limit, sink);
    if (count === undefined) {
      throw invalidFields({ events: ['must be a list of events.'] });
    }
    if (count === 0) {
      throw invalidFields({ events: ['must not be empty.'] });
    }
    if (count > limit) {
      throw invalidFields({
        events: [`must have at most ${limit} events; this request has ${count}. Send them in several requests.`],
      });
    }
  }
}

function refusal(errors: readonly FieldError[]): EventRefusal {
  const whole = errors.find((error) => error.field === 'event');
  return whole === undefined
    ? new EventRefusal(400, Object.fromEntries(errors.map(({ field, message }) => [field, [message]])))
    : new EventRefusal(whole.code === TOO_LARGE ? 413 : 400, { detail: `The event ${whole.message}` });
}
