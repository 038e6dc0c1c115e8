import { isBlank } from '../common/text.rules.js';
import {
  AtMostCharacters,
  Iso8601,
  JsonObject,
  NoControlCharacters,
  NotBlank,
  Plausible,
  Required,
  SnakeCase,
  Text,
  WellFormed,
} from './event-field.decorators.js';

/** One event as callers send it; other fields are ignored. */
export class TrackEventDto {
  @Required()
  @Text()
  @NotBlank()
  @AtMostCharacters(255)
  @NoControlCharacters()
  @WellFormed()
  readonly user_id!: string;

  @Required()
  @Text()
  @AtMostCharacters(100)
  @SnakeCase()
  readonly event_type!: string;

  /** Without an offset it is UTC; by default the time of receipt. */
  @Text()
  @Iso8601()
  @Plausible()
  readonly occurred_at?: string | null;

  /** Its JSON text as it was sent. */
  @JsonObject()
  readonly payload?: Buffer | null;

  @Text()
  @AtMostCharacters(255)
  @NoControlCharacters()
  @WellFormed()
  readonly anonymous_id?: string | null;

  /** The caller's idempotency key: a tenant's events with the same one are one event. */
  @Text()
  @AtMostCharacters(128)
  @NoControlCharacters()
  @WellFormed()
  readonly event_id?: string | null;
}

/** The fields of an event before validation; undefined when absent. */
export type ReceivedFields = { -readonly [Name in keyof TrackEventDto]: unknown };

/**
 * Some clients send empty texts for absent values, and PHP sends `[]` for an empty object. A blank `event_id` is absent: as a key
 * it would make one event of many.
 */
export function leaveOutEmpty(fields: ReceivedFields): void {
  if (isBlankText(fields.occurred_at)) fields.occurred_at = undefined;
  if (isEmptyPayload(fields.payload)) fields.payload = undefined;
  if (isBlankText(fields.anonymous_id)) fields.anonymous_id = undefined;
  if (isBlankText(fields.event_id)) fields.event_id = undefined;
}

function isBlankText(value: unknown): boolean {
  return typeof value === 'string' && isBlank(value);
}

/** Whether a payload is empty in the way of some clients. */
export function isEmptyPayload(payload: unknown): boolean {
  return isBlankText(payload) || (Array.isArray(payload) && payload.length === 0);
}
