import { hash, randomBytes } from 'node:crypto';
import type { ApiKeyMode, ApiKeyType } from './api-key.js';

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

/** Whether a text can be a key at all. */
export function hasKeyForm(text: string): boolean {
  return FORM.test(text);
}

/** What is stored of a key: its SHA-256, in hex. */
export function hashKey(key: string): string {
  return hash('sha256', key);
}
