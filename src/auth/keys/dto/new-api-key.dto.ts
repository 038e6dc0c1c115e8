import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional, IsString } from 'class-validator';
import { RefusedIf } from '../../../common/refused-if.decorator.js';
import { MAX_NAME_LENGTH, problemOfName } from '../../../common/text.rules.js';
import { NO_CONTROL_CHARACTERS } from '../../../common/api.properties.js';
import { API_KEY_MODES, API_KEY_TYPES, type ApiKeyMode, type ApiKeyType } from '../../../tenants/api-key.js';
import { problemOfAllowedOrigins } from './allowed-origins.rule.js';

/** The body of a request for a new API key. */
@ApiSchema({ name: 'NewApiKey' })
export class NewApiKeyDto {
  @ApiProperty({ type: 'string', minLength: 1, maxLength: MAX_NAME_LENGTH, pattern: NO_CONTROL_CHARACTERS })
  @RefusedIf('name', problemOfName)
  readonly name!: string;

  @ApiPropertyOptional({ type: 'string', nullable: true })
  @IsOptional()
  @IsString({ message: 'must be a string.' })
  readonly tenant_slug?: string | null;

  @ApiPropertyOptional({ type: 'string', nullable: true, enum: API_KEY_TYPES })
  @IsOptional()
  @IsIn(API_KEY_TYPES, { message: `must be one of: ${API_KEY_TYPES.join(', ')}.` })
  readonly type?: ApiKeyType | null;

  @ApiPropertyOptional({ type: 'string', nullable: true, enum: API_KEY_MODES })
  @IsOptional()
  @IsIn(API_KEY_MODES, { message: `must be one of: ${API_KEY_MODES.join(', ')}.` })
  readonly mode?: ApiKeyMode | null;

  @ApiPropertyOptional({ type: 'array', items: { type: 'string' }, nullable: true })
  @IsOptional()
  @RefusedIf('allowed_origins', problemOfAllowedOrigins)
  readonly allowed_origins?: readonly string[] | null;

  @ApiPropertyOptional({ type: 'boolean', nullable: true })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false.' })
  readonly require_signed_user_id?: boolean | null;
}
