export const MAX_KEY_NAME_LENGTH = 255;

/** Why a value cannot be the name of a key, in words that say what to do; undefined when it can. */
export function problemOfKeyName(value: unknown): string | undefined {
  if (value === undefined || value === null) return 'is required.';
  if (typeof value !== 'string') return 'must be a string.';
  if (value.trim() === '') return 'must not be blank.';
  if (value.length > MAX_KEY_NAME_LENGTH) return `must have at most ${MAX_KEY_NAME_LENGTH} characters.`;
  // PostgreSQL has no place for U+0000, and a list of keys none for the others.
  if (/\p{Cc}/u.test(value)) return 'must not contain control characters.';
  return value.isWellFormed() ? undefined : 'must not contain unpaired surrogates (\\ud800 to \\udfff).';
}
