import { readJsonText } from '../json/json.text.js';
import { ShopifyObject } from './shopify.object.js';

export type WebhookBody =
  | { readonly valid: true; readonly object: ShopifyObject; readonly json: Uint8Array }
  /** `detail` is for the sender, and says nothing of what was sent. */
  | { readonly valid: false; readonly detail: string };

/** Reads the body of a webhook, which is one JSON object. */
export function readWebhookBody(body: Buffer | undefined): WebhookBody {
  const read = readJsonText(body);
  if (!read.valid) {
    return read;
  }
  const { json, value } = read;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { valid: false, detail: 'The body must be a JSON object.' };
  }
  return { valid: true, object: new ShopifyObject(value as Record<string, unknown>, () => json), json };
}
