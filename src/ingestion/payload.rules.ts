import { MAX_DEPTH } from '../json/json.reader.js';
import { rareScalars } from '../json/rare-scalars.js';
import type { FieldError } from '../events/object.validator.js';
import type { ReceivedEvent } from './track-body.js';

/**
 * What a payload must keep to besides being an object, so that every segment condition can read it later: ClickHouse
 * takes a document with an unpaired surrogate, or with a number beyond a double, for no document at all.
 */
export function checkPayload({ fields, payloadDepth, isSuspect }: ReceivedEvent): FieldError | undefined {
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
