import type { IncomingHttpHeaders } from 'node:http';

/**
 * The headers of a webhook, which the signature does not cover.
 * undefined: not sent, or blank. null: repeated, or not of the form that Shopify sends.
 */
export interface WebhookHeaders {
  /** Such as `orders/create`. */
  readonly topic: string | null | undefined;
  /** In lower case, such as `acme.myshopify.com`. */
  readonly shopDomain: string | null | undefined;
  /** The same when a delivery is repeated. */
  readonly webhookId: string | null | undefined;
  /** ISO 8601. */
  readonly triggeredAt: string | null | undefined;
}

// Node joins the values of a repeated header with ", ". No form has a space, so none accepts two values.
/** `orders/create`, or `customer.tags_added` of newer ones. */
const TOPIC = /^(?=.{1,100}$)[a-z0-9_-]+(?:[/.][a-z0-9_-]+)+$/;
/** A name in the DNS has at most 253 characters. */
const DOMAIN = /^[a-z0-9.-]{1,253}$/;
/** Shopify sends UUIDs; other forms are accepted. */
const ID = /^[\x21-\x7e]{1,100}$/;
const TIME = /^[0-9TtZz:.,+-]{1,40}$/;

export function readWebhookHeaders(headers: IncomingHttpHeaders): WebhookHeaders {
  return {
    topic: read(headers['x-shopify-topic'], TOPIC, lowerCase),
    shopDomain: read(headers['x-shopify-shop-domain'], DOMAIN, lowerCase),
    webhookId: read(headers['x-shopify-webhook-id'], ID),
    triggeredAt: read(headers['x-shopify-triggered-at'], TIME),
  };
}

function read(
  header: string | string[] | undefined,
  form: RegExp,
  normalize = (text: string) => text,
): string | null | undefined {
  if (Array.isArray(header)) return null;
  const text = normalize(header?.trim() ?? '');
  if (text === '') return undefined;
  return form.test(text) ? text : null;
}

function lowerCase(text: string): string {
  return text.toLowerCase();
}
