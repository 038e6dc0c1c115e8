import { ApiProperty } from '@nestjs/swagger';
import { INSTANT, UUID } from '../../../common/api.properties.js';
import { API_KEY_TYPES, type ApiKeySummary, type ApiKeyType, type CreatedApiKey } from '../../../tenants/api-key.js';

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
