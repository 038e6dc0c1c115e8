import { isUtf8 } from 'node:buffer';
import { InvalidJsonError, JsonReader, MAX_DEPTH } from './json.reader.js';

/** `detail` is for the sender, and says nothing of what was sent. */
export interface Unreadable {
  readonly valid: false;
  readonly detail: string;
  /** The byte at which it cannot be read, where there is one. */
  readonly offset?: number;
}

/** A request's body as text that may be JSON: UTF-8, without a byte order mark. */
export type BodyText = { readonly valid: true; readonly json: Buffer } | Unreadable;

/** A request's body read as JSON: its text, and what it says. */
export type JsonText = { readonly valid: true; readonly json: Buffer; readonly value: unknown } | Unreadable;

const TOO_DEEP: Unreadable = { valid: false, detail: `The body must not nest more than ${MAX_DEPTH} levels.` };

const BYTE_ORDER_MARK = Buffer.from('\ufeff');
const REPLACEMENT_CHARACTER = '\ufffd';
const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

export function readBodyText(body: Buffer | undefined): BodyText {
  if (body === undefined || body.length === 0) {
    return { valid: false, detail: 'The body is empty. Send a JSON object.' };
  }
  const json = withoutByteOrderMark(body);
  return isUtf8(json) ? { valid: true, json } : unreadable('UTF-8', json, offsetOfInvalidUtf8(json));
}

/** `JSON.parse` is given nothing that nests too deep: for five million brackets it would hold up every other request for seconds. */
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

/** A text that is not JSON from the byte at `offset` on. */
export function notJson(json: Buffer, offset: number): Unreadable {
  return unreadable('JSON', json, offset);
}

/** A body as its offsets count. */
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

/** Decoding puts a replacement character where bytes make none; the first that was not sent marks the place. */
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
 * The place of the first bracket or brace that nests deeper than {@link MAX_DEPTH}, behind which no byte is looked at; undefined
 * when there is none. Of a text that is not JSON it may say either.
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

/** The place of the quote that closes the string which the one at `start` opens, or the end of the text. */
function endOfString(json: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at;
}
