import { Injectable } from '@nestjs/common';
import { badRequest, invalidFields, tooLarge } from '../common/errors.js';
import { Configuration } from '../config/configuration.js';
import { EventRowFactory, type Sender } from './event-row.factory.js';
import { EventValidator, type InvalidEvent, TOO_LARGE } from './event.validator.js';
import { GroupCommit } from './group-commit.js';
import type { FieldError } from './object.validator.js';
import { readEvent, readEvents } from './track-body.js';
import type { EventRow } from '../warehouse/event-row.js';

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
    private readonly validator: EventValidator,
    private readonly rows: EventRowFactory,
    private readonly commits: GroupCommit,
    private readonly configuration: Configuration,
  ) {}

  /**
   * Accepts the one event in a request's body.
   * @throws ApiError 400 or 413 when it is invalid, 503 when it cannot be queued
   */
  async track(sender: Sender, body: Buffer | undefined): Promise<void> {
    const received = readEvent(body);
    const result = this.validator.validate(received);
    if (!result.valid) {
      throw refusal(result);
    }
    await this.commits.commit([this.rows.create(sender, result.event, received.payload, 0)]);
  }

  /**
   * Accepts the valid events in a request's body and reports the others.
   * @throws ApiError 400 when there is no list of 1 to `MAX_BATCH_EVENTS` events, 503 when they cannot be queued
   */
  async trackBatch(sender: Sender, body: Buffer | undefined): Promise<TrackBatchResult> {
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

    const rows: EventRow[] = [];
    const errors: SkippedEvent[] = [];
    events.forEach((received, index) => {
      const result = this.validator.validate(received);
      if (result.valid) {
        rows.push(this.rows.create(sender, result.event, received.payload, index));
      } else {
        errors.push(...result.errors.map((error) => ({ index, ...error })));
      }
    });
    if (rows.length > 0) {
      await this.commits.commit(rows);
    }
    const counts = { queued: rows.length, skipped: events.length - rows.length };
    return errors.length === 0 ? counts : { ...counts, errors };
  }
}

function refusal({ errors }: InvalidEvent) {
  const whole = errors.find((error) => error.field === 'event');
  if (whole !== undefined) {
    const detail = `The event ${whole.message}`;
    return whole.code === TOO_LARGE ? tooLarge(detail) : badRequest(detail);
  }
  return invalidFields(Object.fromEntries(errors.map(({ field, message }) => [field, [message]])));
}
