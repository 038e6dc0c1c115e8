import { isUtf8 } from 'node:buffer';
import { InvalidJsonError, JsonReader, MAX_DEPTH } from './json.reader.js';

/** `detail` is for the sender, and quotes nothing. */
export interface Unreadable {
  readonly valid: false;
  readonly detail: string;
  /** The first byte that cannot be read, if there is one. */
  readonly offset?: number;
}

/** A body as UTF-8 without a byte order mark. */
type BodyText = { readonly valid: true; readonly json: Buffer } | Unreadable;

/** A body as JSON: its text and its value. */
type JsonText = { readonly valid: true; readonly json: Buffer; readonly value: unknown } | Unreadable;

const TOO_DEEP: Unreadable = { valid: false, detail: `The body must not nest more than ${MAX_DEPTH} levels.` };

const BYTE_ORDER_MARK = Buffer.from('\ufeff');
const REPLACEMENT_CHARACTER = '\ufffd';
const LINE_FEED = 0x0a;
const [QUOTE, BACKSLASH] = [0x22, 0x5c] as const;
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d] as const;

export function readBodyText(body: Buffer | undefined): BodyText {
  if (body === undefined || body.length === 0) {
    return { valid: false, detail: 'The body is empty. Send a JSON object.' };
  }
  const json = withoutByteOrderMark(body);
  return isUtf8(json) ? { valid: true, json } : unreadable('UTF-8', json, offsetOfInvalidUtf8(json));
}

/** Rejects deep nesting before `JSON.parse`, which blocks for seconds at five million brackets. */
export function readJsonText(body: Buffer | undefined): JsonText {
  const read = readBodyText(body);
  if (!read.valid) return read;
  if (tooDeepAt(read.json) !== undefined) return TOO_DEEP;
  const { json } = read;
  try {
    return { ...read, value: JSON.parse(json.toString()) as unknown };
  } catch {
    return notJson(json, offsetOfInvalidJson(json));
  }
}

/** For a text that is not JSON from the byte at `offset` on. */
export function notJson(json: Buffer, offset: number): Unreadable {
  return unreadable('JSON', json, offset);
}

export function withoutByteOrderMark(body: Buffer): Buffer {
  return body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? body.subarray(3) : body;
}

function unreadable(form: 'JSON' | 'UTF-8', text: Buffer, offset: number): Unreadable {
  const end = offset >= text.length ? 'it ends too early, at ' : '';
  return { valid: false, detail: `The body is not valid ${form}: ${end}${placeOf(text, offset)}.`, offset };
}

/** For people: lines and columns count from 1, columns in characters. */
function placeOf(text: Buffer, offset: number): string {
  let line = 1;
  let column = 1;
  for (const byte of text.subarray(0, offset)) {
    if (byte === LINE_FEED) {
      line++;
      column = 1;
    } else if (!continuesCharacter(byte)) {
      column++;
    }
  }
  return `line ${line}, column ${column}`;
}

function continuesCharacter(byte: number): boolean {
  return byte >= 0x80 && byte <= 0xbf;
}

function offsetOfInvalidJson(json: Buffer): number {
  const reader = new JsonReader(json);
  try {
    reader.skipValue();
    reader.requireEnd();
  } catch (error) {
    if (error instanceof InvalidJsonError) return error.offset;
    throw error;
  }
  return json.length;
}

/** Decoding puts a replacement character in place of invalid bytes; the first that was not sent is the place. */
function offsetOfInvalidUtf8(bytes: Buffer): number {
  const text = bytes.toString();
  let offset = 0;
  for (let from = 0, at = text.indexOf(REPLACEMENT_CHARACTER); at !== -1;) {
    offset += Buffer.byteLength(text.slice(from, at));
    if (bytes[offset] !== 0xef || bytes[offset + 1] !== 0xbf || bytes[offset + 2] !== 0xbd) break;
    offset += 3;
    from = at + 1;
    at = text.indexOf(REPLACEMENT_CHARACTER, from);
  }
  return offset;
}

/**
 * The place of the first bracket or brace that nests deeper than {@link MAX_DEPTH}; undefined when there is none. For invalid
 * JSON it may be either.
 */
export function tooDeepAt(json: Uint8Array): number | undefined {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfString(json, at);
    else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth--;
    else if ((byte === OPEN_BRACKET || byte === OPEN_BRACE) && ++depth > MAX_DEPTH) return at;
  }
  return undefined;
}

/** The closing quote of the string that `start` opens, or the end of the text. */
function endOfString(json: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at;
}
