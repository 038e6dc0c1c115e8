import { Injectable } from '@nestjs/common';
import { badRequest, invalidFields, tooLarge } from '../common/errors.js';
import { Configuration } from '../config/configuration.js';
import type { RequestIdentity } from '../idempotency/idempotent.requests.js';
import { EventAdmission } from './event.admission.js';
import { TOO_LARGE } from './event.validator.js';
import type { FieldError } from '../events/object.validator.js';
import type { Sender } from './sender.js';
import { RequestIntake } from './request.intake.js';
import { type ReceivedEvent, readEvent, readEvents } from './track-body.js';

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
    const { rows, refused } = await this.admission.admit(sender, identity.seed, [readEvent(body)]);
    for (const { errors } of refused) {
      throw refusal(errors);
    }
    await this.intake.take(sender, rows, identity);
  }

  /**
   * Accepts the valid events in a request's body and reports the others.
   * @throws ApiError 400 when there is no list of 1 to `MAX_BATCH_EVENTS` events, 429 when the valid ones are beyond the
   * plan's events a month, 503 when they cannot be queued
   */
  async trackBatch(sender: Sender, body: Buffer | undefined, identity: RequestIdentity): Promise<TrackBatchResult> {
    const { rows, refused } = await this.admission.admit(sender, identity.seed, this.readList(body));
    if (rows.length > 0) {
      await this.intake.take(sender, rows, identity);
    }
    const counts = { queued: rows.length, skipped: refused.length };
    const errors = refused.flatMap(({ index, errors }) => errors.map((error) => ({ index, ...error })));
    return errors.length === 0 ? counts : { ...counts, errors };
  }

  private readList(body: Buffer | undefined): ReceivedEvent[] {
    const events = readEvents(body);
    const limit = this.configuration.maxBatchEvents;
    if (events === undefined) {
      throw invalidFields({ events: ['must be a list of events.'] });
    }
    if (events.length === 0) {
      throw invalidFields({ events: ['must not be empty.'] });
    }
    if (events.length > limit) {
      throw invalidFields({ events: [`must have at most ${limit} events; this request has ${events.length}.`] });
    }
    return events;
  }
}

function refusal(errors: readonly FieldError[]) {
  const whole = errors.find((error) => error.field === 'event');
  if (whole !== undefined) {
    const detail = `The event ${whole.message}`;
    return whole.code === TOO_LARGE ? tooLarge(detail) : badRequest(detail);
  }
  return invalidFields(Object.fromEntries(errors.map(({ field, message }) => [field, [message]])));
}
