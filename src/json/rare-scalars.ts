import { SAFE_NUMBER_LENGTH } from './json.reader.js';

const [QUOTE, BACKSLASH, PLUS, MINUS, POINT] = [0x22, 0x5c, 0x2b, 0x2d, 0x2e] as const;
const [ZERO, NINE, UPPER_E, LOWER_E] = [0x30, 0x39, 0x45, 0x65] as const;

/**
 * The strings (keys too) with an escape, and the numbers with an exponent or very many digits, of a valid JSON text: all values
 * that may be impossible to store. Read from the text, since `JSON.parse` keeps only the last of repeated keys.
 */
export function* rareScalars(json: Buffer): Generator<string | number> {
  let at = 0;
  while (at < json.length) {
    const start = at;
    let isRare = false;
    if (json[at] === QUOTE) {
      at++;
      while (json[at] !== QUOTE) {
        const isEscape = json[at] === BACKSLASH;
        isRare ||= isEscape;
        at += isEscape ? 2 : 1;
      }
      at++;
    } else if (startsNumber(json[at])) {
      at++;
      while (continuesNumber(json[at])) {
        isRare ||= isExponent(json[at]);
        at++;
      }
      isRare ||= at - start > SAFE_NUMBER_LENGTH;
    } else {
      at++;
    }
    if (isRare) yield JSON.parse(json.toString('utf8', start, at)) as string | number;
  }
}

function startsNumber(byte: number | undefined): boolean {
  return byte !== undefined && (byte === MINUS || (byte >= ZERO && byte <= NINE));
}

function continuesNumber(byte: number | undefined): boolean {
  return startsNumber(byte) || byte === POINT || byte === PLUS || isExponent(byte);
}

function isExponent(byte: number | undefined): boolean {
  return byte === LOWER_E || byte === UPPER_E;
}
