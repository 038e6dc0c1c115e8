import { MAX_PROPERTY_NAME_CHARACTERS } from './schema.limits.js';

/**
 * Why a value cannot be the name of a property, in words that say what to do.
 * @returns undefined when it can
 */
export function problemOfPropertyName(value: unknown): string | undefined {
  if (value === undefined || value === null) {
    return 'is required.';
  }
  if (typeof value !== 'string') {
    return 'must be a string.';
  }
  if (value === '') {
    return 'must not be empty.';
  }
  if (value.length > MAX_PROPERTY_NAME_CHARACTERS && Array.from(value).length > MAX_PROPERTY_NAME_CHARACTERS) {
    return `must have at most ${MAX_PROPERTY_NAME_CHARACTERS} characters.`;
  }
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(value)) {
    return 'must not contain control characters.';
  }
  // PostgreSQL keeps schemas as jsonb, which refuses them.
  if (!value.isWellFormed()) {
    return 'must not contain unpaired surrogates (\\ud800 to \\udfff).';
  }
  return undefined;
}
