import { hash, randomBytes } from 'node:crypto';
import { apiKeyMode, apiKeyType } from './schema.js';

export const API_KEY_TYPES = apiKeyType.enumValues;
export const API_KEY_MODES = apiKeyMode.enumValues;

export type ApiKeyType = (typeof API_KEY_TYPES)[number];
export type ApiKeyMode = (typeof API_KEY_MODES)[number];

/** What may be shown of a key, valid or revoked. */
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

/** A valid key. Its text is not stored. */
export interface ApiKey {
  readonly id: string;
  readonly tenantId: string;
  readonly type: ApiKeyType;
  /** Of a public key; see `origins.ts`. */
  readonly allowedOrigins: readonly string[];
  readonly requireSignedUserId: boolean;
  /** The secret for signing user ids, encrypted; null for secret keys. */
  readonly encryptedHmacSecret: string | null;
}

/** A new key, as its creator sees it once. */
export interface CreatedApiKey {
  readonly id: string;
  readonly name: string;
  readonly key: string;
  /** Of a public key: 32 bytes in hex, for signing user ids. */
  readonly hmacSecret?: string;
}

const PREFIXES = { secret: 'sk', public: 'pk' } as const satisfies Record<ApiKeyType, string>;
/** 43 characters of base64url are 32 bytes; of the last one only every fourth occurs. */
const FORM = /^[sp]k_(?:live|test)_[\w-]{42}[AEIMQUYcgkosw048]$/;

/** `sk_live_`, `pk_test_`, … */
export function prefixOf(type: ApiKeyType, mode: ApiKeyMode): string {
  return `${PREFIXES[type]}_${mode}_`;
}

/** A new key: its prefix and 256 random bits. */
export function generateKey(type: ApiKeyType, mode: ApiKeyMode): string {
  return prefixOf(type, mode) + randomBytes(32).toString('base64url');
}

export function hasKeyForm(text: string): boolean {
  return FORM.test(text);
}

/** SHA-256 in hex, which is stored in place of the key. */
export function hashKey(key: string): string {
  return hash('sha256', key);
}
