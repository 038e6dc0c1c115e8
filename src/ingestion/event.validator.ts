import { Injectable } from '@nestjs/common';
import { Configuration } from '../config/configuration.js';
import { REQUIRED } from '../events/event-field.decorators.js';
import { type FieldError, ObjectValidator } from '../events/object.validator.js';
import { leaveOutEmpty, TrackEventDto } from '../events/track-event.dto.js';
import { MAX_DEPTH } from '../json/json.reader.js';
import { rareScalars } from '../json/rare-scalars.js';
import type { ReceivedEvent } from './track-body.js';

/**
 * What a payload must keep to besides being an object, so that every segment condition can read it later: ClickHouse
 * takes a document with an unpaired surrogate, or with a number beyond a double, for no document at all.
 */
function checkPayload({ fields, payloadDepth, isSuspect }: ReceivedEvent): FieldError | undefined {
  if (!Buffer.isBuffer(fields?.payload)) {
    // None, or no object.
    return undefined;
  }
  if (payloadDepth > MAX_DEPTH) {
    return payloadError('too_deep', `must not nest more than ${MAX_DEPTH} levels.`);
  }
  return isSuspect ? checkText(fields.payload) : undefined;
}

function checkText(payload: Buffer): FieldError | undefined {
  for (const value of rareScalars(payload)) {
    if (typeof value === 'string' && !value.isWellFormed()) {
      return payloadError('invalid_unicode', 'must not contain unpaired surrogates (\\ud800 to \\udfff).');
    }
    if (typeof value === 'number' && !Number.isFinite(value)) {
      return payloadError('out_of_range', 'must not contain numbers beyond 1.8e308; send them as strings.');
    }
  }
  return undefined;
}

function payloadError(code: string, message: string): FieldError {
  return { field: 'payload', code, message };
}

export type ValidatedEvent = { readonly valid: true; readonly event: TrackEventDto } | InvalidEvent;

export interface InvalidEvent {
  readonly valid: false;
  readonly errors: readonly FieldError[];
}

/** The code of an event that is larger than `MAX_EVENT_BYTES`; the single-event route answers it with 413. */
export const TOO_LARGE = 'too_large';

/** Decides whether an event may be stored. Bad events are results here, never exceptions: they must not cost good ones. */
@Injectable()
export class EventValidator {
  private readonly rules = new ObjectValidator(TrackEventDto, REQUIRED);
  private readonly maxBytes: number;

  constructor({ maxEventBytes }: Configuration) {
    this.maxBytes = maxEventBytes;
  }

  /** @param uid the only user the caller may speak for, whatever the event says; undefined: any */
  validate(received: ReceivedEvent, uid?: string): ValidatedEvent {
    const { fields } = received;
    if (fields === undefined) {
      return invalid({ field: 'event', code: 'invalid_type', message: 'must be a JSON object.' });
    }
    if (uid !== undefined) {
      fields.user_id = uid;
    }
    if (received.bytes > this.maxBytes) {
      const message = `must have at most ${this.maxBytes} bytes of JSON.`;
      return invalid({ field: 'event', code: TOO_LARGE, message });
    }
    leaveOutEmpty(fields);
    const errors = this.rules.validate(fields);
    const payloadError = checkPayload(received);
    if (payloadError !== undefined) {
      errors.push(payloadError);
    }
    return errors.length === 0 ? { valid: true, event: fields as TrackEventDto } : { valid: false, errors };
  }
}

function invalid(error: FieldError): InvalidEvent {
  return { valid: false, errors: [error] };
}
