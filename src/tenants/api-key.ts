import { apiKeyMode, apiKeyType } from './schema.js';

export const API_KEY_TYPES = apiKeyType.enumValues;
export const API_KEY_MODES = apiKeyMode.enumValues;

export type ApiKeyType = (typeof API_KEY_TYPES)[number];
export type ApiKeyMode = (typeof API_KEY_MODES)[number];

/** A key that is valid: known and not revoked. The key's text itself is nowhere kept. */
export interface ApiKey {
  readonly id: string;
  readonly tenantId: string;
  readonly type: ApiKeyType;
  readonly mode: ApiKeyMode;
}
