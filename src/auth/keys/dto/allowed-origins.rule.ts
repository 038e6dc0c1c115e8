import { normalizeOrigin } from '../../../tenants/origins.js';

/** Why a value cannot be the allowed origins of a key, in words that say what to do; undefined when it can. */
export function problemOfAllowedOrigins(value: unknown): string | undefined {
  if (!Array.isArray(value)) {
    return 'must be a list of origins.';
  }
  const wrong = value.findIndex((entry) => typeof entry !== 'string' || normalizeOrigin(entry) === undefined);
  return wrong === -1
    ? undefined
    : `must be origins such as https://shop.example.com or https://*.example.com, without a path, and with no public suffix such as co.uk or github.io after the wildcard; number ${wrong + 1} is not.`;
}
