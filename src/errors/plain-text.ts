/** Control characters, and surrogates without their other half: a pair is one character under the flag `u`. */
const UNFIT = /[\p{Cc}\p{Cs}]/gu;

/**
 * A text that anybody's terminal can show and UTF-8 can carry: without control characters and unpaired surrogates, of at most
 * `maxLength` characters (code points). What is no text is an empty one.
 */
export function plainText(value: unknown, maxLength: number): string {
  if (typeof value !== 'string') {
    return '';
  }
  // Cut before it is searched, as it may be megabytes: no character takes more than two units.
  const text = value.slice(0, 2 * maxLength).replace(UNFIT, '');
  return text.length <= maxLength ? text : Array.from(text).slice(0, maxLength).join('');
}
