import { isUtf8 } from 'node:buffer';

/** `detail` is for the sender, and says nothing of what was sent. */
export interface Unreadable {
  readonly valid: false;
  readonly detail: string;
}

/** A request's body as text that may be JSON: UTF-8, without a byte order mark. */
export type BodyText = { readonly valid: true; readonly json: Buffer } | Unreadable;

/** A request's body read as JSON: its text, and what it says. */
export type JsonText = { readonly valid: true; readonly json: Buffer; readonly value: unknown } | Unreadable;

export const NOT_JSON: Unreadable = { valid: false, detail: 'The body is not valid JSON.' };
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

export function readBodyText(body: Buffer | undefined): BodyText {
  if (body === undefined || body.length === 0) {
    return { valid: false, detail: 'The body is empty. Send a JSON object.' };
  }
  const json = body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? body.subarray(3) : body;
  return isUtf8(json) ? { valid: true, json } : { valid: false, detail: 'The body is not valid UTF-8.' };
}

export function readJsonText(body: Buffer | undefined): JsonText {
  const read = readBodyText(body);
  if (!read.valid) return read;
  try {
    return { ...read, value: JSON.parse(read.json.toString()) as unknown };
  } catch {
    return NOT_JSON;
  }
}
