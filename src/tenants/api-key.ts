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
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

/** A key that is valid: known and not revoked. The key's text itself is nowhere kept. */
export interface ApiKey {
  readonly id: string;
  readonly tenantId: string;
  readonly type: ApiKeyType;
  readonly mode: ApiKeyMode;
}
