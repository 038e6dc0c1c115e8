import { SAFE_NUMBER_LENGTH } from './json.reader.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_E = 0x65;
const UPPER_E = 0x45;

/**
 * The strings (keys too) with an escape and the numbers with an exponent or very many digits in a JSON text that `JSON.parse`
 * has accepted: all that may mean something which cannot be stored. Found in the text, since of repeated keys `JSON.parse`
 * keeps only the last.
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
