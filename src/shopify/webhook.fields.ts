import { createHash } from 'node:crypto';
import { REQUIRED } from '../events/event-field.decorators.js';
import { ObjectValidator } from '../events/object.validator.js';
import { parseOccurredAt } from '../events/occurred-at.js';
import { TrackEventDto } from '../events/track-event.dto.js';
import { readJsonText } from '../json/json.text.js';
import { ShopifyObject } from './shopify.object.js';

type WebhookBody =
  | { readonly valid: true; readonly object: ShopifyObject; readonly json: Uint8Array }
  /** `detail` is for the sender, and quotes nothing. */
  | { readonly valid: false; readonly detail: string };

/** Reads the body of a webhook, which is one JSON object. */
export function readWebhookBody(body: Buffer | undefined): WebhookBody {
  const read = readJsonText(body);
  if (!read.valid) return read;
  const { json, value } = read;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { valid: false, detail: 'The body must be a JSON object.' };
  }
  return { valid: true, object: new ShopifyObject(value as Record<string, unknown>, () => json), json };
}

export type ObjectKind = 'order' | 'customer' | 'checkout' | 'cart' | 'refund' | 'fulfillment' | 'shop';

/**
 * The `user_id` of an event: the customer's email address, else the customer's id, else `anon_` and the token of the cart or
 * checkout. Values that no event may have as its `user_id` are skipped. An object's own `user_id` is not read: it is the member
 * of the staff who made the order or the refund.
 * @returns undefined when the object names nobody
 */
export function userIdOf(object: ShopifyObject, kind: ObjectKind): string | undefined {
  const customer = kind === 'customer' ? object : object.object('customer');
  // The `token` of an order is not that of its cart or checkout.
  const token =
    (kind === 'cart' || kind === 'checkout' ? object.text('token') : undefined) ??
    object.text('cart_token') ??
    object.text('checkout_token');
  const candidates = [
    object.text('email'),
    object.text('contact_email'),
    customer?.text('email'),
    customer?.id('id'),
    token && `anon_${token}`,
  ];
  return candidates.find((candidate) => candidate !== undefined && isAcceptable('user_id', candidate));
}

interface TimeSources {
  /** `X-Shopify-Triggered-At`. */
  readonly triggeredAt: string | null | undefined;
  readonly object: ShopifyObject;
  /** The object's fields with the time of the event, the best first. */
  readonly fields: readonly string[];
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

/**
 * When the event happened, in ms since 1970: by Shopify's clock, else by the object, else by ours. Unacceptable times are
 * skipped.
 */
export function eventTimeOf({ triggeredAt, object, fields, receivedAt }: TimeSources): number {
  const texts = [triggeredAt, ...fields.map((field) => object.text(field))];
  for (const text of texts) {
    if (typeof text === 'string' && isAcceptable('occurred_at', text)) return parseOccurredAt(text) ?? receivedAt;
  }
  return receivedAt;
}

/**
 * Recognises a delivery that Shopify repeats; at most 128 characters. Without the webhook's id, equal bytes under an equal topic
 * are one delivery. `X-Shopify-Event-Id` does not serve, since the topics of one action share it.
 * @param webhookId `X-Shopify-Webhook-Id`
 */
export function deliveryKeyOf(webhookId: string | null | undefined, topic: string, body: Uint8Array): string {
  if (typeof webhookId === 'string') return `webhook:${webhookId}`;
  // No topic has a NUL.
  return `body:${createHash('sha256').update(topic).update('\0').update(body).digest('hex')}`;
}

const rules = new ObjectValidator(TrackEventDto, REQUIRED);

/** Whether an event may have this value in this field, by the rules that hold for every event. */
export function isAcceptable(field: keyof TrackEventDto, value: string): boolean {
  return !rules.validate({ [field]: value }).some((error) => error.field === field);
}
