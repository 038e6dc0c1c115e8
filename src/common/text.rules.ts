/**
 * Characters that Unicode shows as nothing: white space, zero-width and format characters, fillers, variation selectors, and
 * blank symbols (Braille, hieroglyphs, Khitan, music). Control characters have a rule of their own.
 */
const INVISIBLE = String.raw`\p{White_Space}\p{Default_Ignorable_Code_Point}\u{16fe4}\p{Cf}\u2800\u{13441}\u{13442}\u{1d159}`;
const VISIBLE = new RegExp(`[^${INVISIBLE}]`, 'u');
const SPACE = 0x20;
const DELETE = 0x7f;

/** Whether a text has no visible character. The empty text is blank. */
export function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  // Nearly every text starts with a visible ASCII character.
  return !(first > SPACE && first < DELETE) && !VISIBLE.test(text);
}

/** In UTF-16 code units. */
export const MAX_NAME_LENGTH = 255;

/** Why a value cannot be a name, with the fix; undefined when it can. */
export function problemOfName(value: unknown): string | undefined {
  if (value === undefined || value === null) return 'is required.';
  if (typeof value !== 'string') return 'must be a string.';
  if (isBlank(value)) return 'must not be blank.';
  if (value.length > MAX_NAME_LENGTH) return `must have at most ${MAX_NAME_LENGTH} characters.`;
  // PostgreSQL cannot store U+0000; the others break lists of names.
  if (/\p{Cc}/u.test(value)) return 'must not contain control characters.';
  return value.isWellFormed() ? undefined : 'must not contain unpaired surrogates (\\ud800 to \\udfff).';
}
