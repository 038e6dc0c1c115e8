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

/** One behavioural event as callers send it; fields that are not named here are ignored. */
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

  /** When it happened. Without an offset it is UTC; absent, it is the time of receipt. */
  @Text()
  @Iso8601()
  @Plausible()
  readonly occurred_at?: string | null;

  /** Its JSON text, byte for byte as it was sent. */
  @JsonObject()
  readonly payload?: Buffer | null;

  @Text()
  @AtMostCharacters(255)
  @NoControlCharacters()
  @WellFormed()
  readonly anonymous_id?: string | null;

  /** The caller's idempotency key: events of a tenant with the same one are one event. */
  @Text()
  @AtMostCharacters(128)
  @NoControlCharacters()
  @WellFormed()
  readonly event_id?: string | null;
}
