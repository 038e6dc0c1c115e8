import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { isBlank } from '../common/text.rules.js';
import { NO_CONTROL_CHARACTERS } from '../common/api.properties.js';
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

/** What the API's documentation says of the fields that other bodies have too. */
export const USER_ID = { type: 'string', minLength: 1, maxLength: 255, pattern: NO_CONTROL_CHARACTERS } as const;
export const EVENT_TYPE = { type: 'string', maxLength: 100, pattern: '^[a-z][a-z0-9_]*$' } as const;
export const PAYLOAD = { type: 'object', additionalProperties: true, nullable: true } as const;

/** One event as callers send it; other fields are ignored. */
@ApiSchema({ name: 'TrackEvent' })
export class TrackEventDto {
  @ApiProperty(USER_ID)
  @Required()
  @Text()
  @NotBlank()
  @AtMostCharacters(255)
  @NoControlCharacters()
  @WellFormed()
  readonly user_id!: string;

  @ApiProperty(EVENT_TYPE)
  @Required()
  @Text()
  @AtMostCharacters(100)
  @SnakeCase()
  readonly event_type!: string;

  /** Without an offset it is UTC; by default the time of receipt. */
  @ApiPropertyOptional({
    type: 'string',
    nullable: true,
    description: 'An ISO 8601 date and time. Without an offset it is UTC.',
  })
  @Text()
  @Iso8601()
  @Plausible()
  readonly occurred_at?: string | null;

  /** Its JSON text as it was sent. */
  @ApiPropertyOptional(PAYLOAD)
  @JsonObject()
  readonly payload?: Buffer | null;

  @ApiPropertyOptional({ type: 'string', nullable: true, maxLength: 255, pattern: NO_CONTROL_CHARACTERS })
  @Text()
  @AtMostCharacters(255)
  @NoControlCharacters()
  @WellFormed()
  readonly anonymous_id?: string | null;

  /** The caller's idempotency key: a tenant's events with the same one are one event. */
  @ApiPropertyOptional({ type: 'string', nullable: true, maxLength: 128, pattern: NO_CONTROL_CHARACTERS })
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
