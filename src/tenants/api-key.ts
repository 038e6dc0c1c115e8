import { apiKeyMode, apiKeyType } from './schema.js';

export const API_KEY_TYPES = apiKeyType.enumValues;
export const API_KEY_MODES = apiKeyMode.enumValues;

export type ApiKeyType = (typeof API_KEY_TYPES)[number];
export type ApiKeyMode = (typeof API_KEY_MODES)[number];

/** What may be told of a key, valid or not. */
export interface ApiKeySummary {
  readonly id: string;
  readonly name: string;
  readonly type: ApiKeyType;
  /** `sk_live_`, `pk_test_`, … */
  readonly prefix: string;
  readonly lastFour: string;
  readonly allowedOrigins: readonly string[];
  readonly requireSignedUserId: boolean;
  readonly createdAt: Date;
  /** To within a minute. */
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** A key that is valid: known and not revoked. The key's text itself is nowhere kept. */
export interface ApiKey {
  readonly id: string;
  readonly tenantId: string;
  readonly type: ApiKeyType;
  readonly mode: ApiKeyMode;
  /** Of a public key; see `origins.ts`. */
  readonly allowedOrigins: readonly string[];
  readonly requireSignedUserId: boolean;
  /** What the tenant signs user ids with, encrypted; null for secret keys. */
  readonly encryptedHmacSecret: string | null;
}

/** A key as it is told to whoever made it, once. */
export interface CreatedApiKey {
  readonly id: string;
  readonly name: string;
  readonly key: string;
  /** Of a public key: 32 bytes in hex, to sign user ids with. */
  readonly hmacSecret?: string;
}
