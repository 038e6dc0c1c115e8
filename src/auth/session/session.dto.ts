import { IsOptional } from 'class-validator';
import { RejectedIf } from '../../common/dto.pipe.js';
import { schemaOfField } from '../../common/dto.schema.js';
import { REQUIRED } from '../../events/event-field.decorators.js';
import { ObjectValidator } from '../../events/object.validator.js';
import { TrackEventDto } from '../../events/track-event.dto.js';

/** Starts the uid of a visitor without a `user_id`. */
export const ANONYMOUS_PREFIX = 'anon_';

const eventRules = new ObjectValidator(TrackEventDto, REQUIRED);
const USER_ID = schemaOfField(TrackEventDto, 'user_id');
const UNIX_SECONDS = /^\d{1,15}$/;
const MAX_ANONYMOUS_ID = 255 - ANONYMOUS_PREFIX.length;

/** The body of a handshake. The session's uid becomes the `user_id` of its events, and follows the same rules. */
export class SessionDto {
  @IsOptional()
  @RejectedIf('user_id', problemOfUserId, USER_ID)
  readonly user_id?: string | null;

  @IsOptional()
  @RejectedIf('anonymous_id', problemOfAnonymousId, { ...USER_ID, maxLength: MAX_ANONYMOUS_ID })
  readonly anonymous_id?: string | null;

  @IsOptional()
  @RejectedIf('user_id_sig', (value) => (typeof value === 'string' ? undefined : 'must be a string.'), {
    type: 'string',
  })
  readonly user_id_sig?: string | null;

  /** As a number or as text: templates of pages make either. */
  @IsOptional()
  @RejectedIf(
    'user_id_ts',
    (value) => (isUnixSeconds(value) ? undefined : 'must be Unix seconds, such as 1777122000.'),
    {
      type: ['integer', 'string'],
      minimum: 0,
      pattern: UNIX_SECONDS.source,
    },
  )
  readonly user_id_ts?: number | string | null;
}

function problemOfUserId(value: unknown): string | undefined {
  return eventRules.validate({ user_id: value }).find(({ field }) => field === 'user_id')?.message;
}

function problemOfAnonymousId(value: unknown): string | undefined {
  return typeof value === 'string' && Array.from(value).length > MAX_ANONYMOUS_ID
    ? `must have at most ${MAX_ANONYMOUS_ID} characters.`
    : problemOfUserId(value);
}

function isUnixSeconds(value: unknown): boolean {
  return typeof value === 'string' ? UNIX_SECONDS.test(value) : Number.isSafeInteger(value) && Number(value) >= 0;
}
