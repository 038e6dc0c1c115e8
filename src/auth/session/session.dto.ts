import { ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { RejectedIf } from '../../common/dto.pipe.js';
import { REQUIRED } from '../../events/event-field.decorators.js';
import { ObjectValidator } from '../../events/object.validator.js';
import { TrackEventDto, USER_ID } from '../../events/track-event.dto.js';

/** Starts the uid of a visitor without a `user_id`. */
export const ANONYMOUS_PREFIX = 'anon_';

const eventRules = new ObjectValidator(TrackEventDto, REQUIRED);
const UNIX_SECONDS = /^\d{1,15}$/;
const MAX_ANONYMOUS_ID = 255 - ANONYMOUS_PREFIX.length;

/** The body of a handshake. The session's uid becomes the `user_id` of its events, and follows the same rules. */
@ApiSchema({ name: 'Session' })
export class SessionDto {
  @ApiPropertyOptional({ ...USER_ID, nullable: true })
  @IsOptional()
  @RejectedIf('user_id', problemOfUserId)
  readonly user_id?: string | null;

  @ApiPropertyOptional({ ...USER_ID, maxLength: MAX_ANONYMOUS_ID, nullable: true })
  @IsOptional()
  @RejectedIf('anonymous_id', problemOfAnonymousId)
  readonly anonymous_id?: string | null;

  @ApiPropertyOptional({ type: 'string', nullable: true })
  @IsOptional()
  @RejectedIf('user_id_sig', (value) => (typeof value === 'string' ? undefined : 'must be a string.'))
  readonly user_id_sig?: string | null;

  /** As a number or as text: templates of pages make either. */
  @ApiPropertyOptional({
    oneOf: [
      { type: 'integer', minimum: 0 },
      { type: 'string', pattern: UNIX_SECONDS.source },
    ],
    nullable: true,
  })
  @IsOptional()
  @RejectedIf('user_id_ts', (value) => (isUnixSeconds(value) ? undefined : 'must be Unix seconds, such as 1777122000.'))
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
