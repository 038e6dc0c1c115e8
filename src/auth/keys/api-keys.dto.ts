import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional, IsString } from 'class-validator';
import { INSTANT, NO_CONTROL_CHARACTERS, UUID } from '../../common/api.properties.js';
import { RejectedIf } from '../../common/dto.pipe.js';
import { MAX_NAME_LENGTH, problemOfName } from '../../common/text.rules.js';
import {
  API_KEY_MODES,
  API_KEY_TYPES,
  type ApiKeyMode,
  type ApiKeySummary,
  type ApiKeyType,
  type CreatedApiKey,
} from '../../tenants/api-key.js';
import { normalizeOrigin } from '../../tenants/origins.js';

/** Why a value cannot be the allowed origins of a key, in words that say what to do; undefined when it can. */
function problemOfAllowedOrigins(value: unknown): string | undefined {
  if (!Array.isArray(value)) return 'must be a list of origins.';
  const wrong = value.findIndex((entry) => typeof entry !== 'string' || normalizeOrigin(entry) === undefined);
  return wrong === -1
    ? undefined
    : `must be origins such as https://shop.example.com or https://*.example.com, without a path, and with no public suffix such as co.uk or github.io after the wildcard; number ${wrong + 1} is not.`;
}

@ApiSchema({ name: 'NewApiKey' })
export class NewApiKeyDto {
  @ApiProperty({ type: 'string', minLength: 1, maxLength: MAX_NAME_LENGTH, pattern: NO_CONTROL_CHARACTERS })
  @RejectedIf('name', problemOfName)
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
  @RejectedIf('allowed_origins', problemOfAllowedOrigins)
  readonly allowed_origins?: readonly string[] | null;

  @ApiPropertyOptional({ type: 'boolean', nullable: true })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false.' })
  readonly require_signed_user_id?: boolean | null;
}

/** A new key, with what is shown this once. */
export class CreatedApiKeyBody {
  @ApiProperty(UUID) readonly id!: string;
  @ApiProperty() readonly name!: string;
  @ApiProperty() readonly key!: string;
  @ApiProperty({ pattern: '^[0-9a-f]{64}$', required: false }) readonly hmac_secret?: string;

  static of({ id, name, key, hmacSecret }: CreatedApiKey): CreatedApiKeyBody {
    return { id, name, key, ...(hmacSecret === undefined ? {} : { hmac_secret: hmacSecret }) };
  }
}

/** What may be told of a key at any time. */
export class ApiKeyBody {
  @ApiProperty(UUID) readonly id!: string;
  @ApiProperty() readonly name!: string;
  @ApiProperty({ enum: API_KEY_TYPES }) readonly type!: ApiKeyType;
  @ApiProperty() readonly prefix!: string;
  @ApiProperty() readonly last_four!: string;
  @ApiProperty({ type: [String] }) readonly allowed_origins!: readonly string[];
  @ApiProperty() readonly require_signed_user_id!: boolean;
  @ApiProperty(INSTANT) readonly created_at!: string;
  @ApiProperty({ ...INSTANT, nullable: true }) readonly last_used_at!: string | null;
  @ApiProperty({ ...INSTANT, nullable: true }) readonly revoked_at!: string | null;

  static of(key: ApiKeySummary): ApiKeyBody {
    return {
      id: key.id,
      name: key.name,
      type: key.type,
      prefix: key.prefix,
      last_four: key.lastFour,
      allowed_origins: key.allowedOrigins,
      require_signed_user_id: key.requireSignedUserId,
      created_at: key.createdAt.toISOString(),
      last_used_at: key.lastUsedAt?.toISOString() ?? null,
      revoked_at: key.revokedAt?.toISOString() ?? null,
    };
  }
}
