import { IsBoolean, IsIn, IsOptional, IsString } from 'class-validator';
import { RefusedIf } from '../../../common/refused-if.decorator.js';
import { MAX_NAME_LENGTH, problemOfName } from '../../../common/text.rules.js';
import { API_KEY_MODES, API_KEY_TYPES, type ApiKeyMode, type ApiKeyType } from '../../../tenants/api-key.js';
import { problemOfAllowedOrigins } from './allowed-origins.rule.js';

/** The body of a request for a new API key. */
export class NewApiKeyDto {
  @RefusedIf('name', problemOfName, {
    type: 'string',
    minLength: 1,
    maxLength: MAX_NAME_LENGTH,
    pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$',
  })
  readonly name!: string;

  @IsOptional()
  @IsString({ message: 'must be a string.' })
  readonly tenant_slug?: string | null;

  @IsOptional()
  @IsIn(API_KEY_TYPES, { message: `must be one of: ${API_KEY_TYPES.join(', ')}.` })
  readonly type?: ApiKeyType | null;

  @IsOptional()
  @IsIn(API_KEY_MODES, { message: `must be one of: ${API_KEY_MODES.join(', ')}.` })
  readonly mode?: ApiKeyMode | null;

  @IsOptional()
  @RefusedIf('allowed_origins', problemOfAllowedOrigins, { type: 'array', items: { type: 'string' } })
  readonly allowed_origins?: readonly string[] | null;

  @IsOptional()
  @IsBoolean({ message: 'must be true or false.' })
  readonly require_signed_user_id?: boolean | null;
}
