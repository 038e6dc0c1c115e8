import { isUtf8 } from 'node:buffer';

/** A request's body read as JSON: its text without a byte order mark, as bytes and as a string, and what it says. */
export type JsonText =
  | { readonly valid: true; readonly json: Buffer; readonly text: string; readonly value: unknown }
  /** `detail` is for the sender, and says nothing of what was sent. */
  | { readonly valid: false; readonly detail: string };

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

export function readJsonText(body: Buffer | undefined): JsonText {
  if (body === undefined || body.length === 0) {
    return { valid: false, detail: 'The body is empty. Send a JSON object.' };
  }
  const json = body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? body.subarray(3) : body;
  if (!isUtf8(json)) {
    return { valid: false, detail: 'The body is not valid UTF-8.' };
  }
  const text = json.toString();
  try {
    return { valid: true, json, text, value: JSON.parse(text) as unknown };
  } catch {
    return { valid: false, detail: 'The body is not valid JSON.' };
  }
}
