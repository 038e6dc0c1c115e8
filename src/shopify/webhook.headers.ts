import type { IncomingHttpHeaders } from 'node:http';

/**
 * What a webhook says about itself outside its body. The signature does not cover it.
 * undefined: not sent, or blank. null: sent, but repeated or not of the form that Shopify sends.
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
  /** Shared by the webhooks of one action in the shop, whatever their topics. */
  readonly eventId: string | null | undefined;
  /** Such as `2026-10`. */
  readonly apiVersion: string | null | undefined;
}

// Node joins the values of a repeated header with ", ". No form has a space, so that none takes two values for one.
/** `orders/create`, and `customer.tags_added` of newer ones. Whichever Shopify thinks of next must get a success, too. */
const TOPIC = /^(?=.{1,100}$)[a-z0-9_-]+(?:[/.][a-z0-9_-]+)+$/;
/** A name in the DNS has at most 253 characters. */
const DOMAIN = /^[a-z0-9.-]{1,253}$/;
/** Shopify sends UUIDs; the limit leaves room for another form of id. */
const ID = /^[\x21-\x7e]{1,100}$/;
const TIME = /^[0-9TtZz:.,+-]{1,40}$/;
const API_VERSION = /^[a-z0-9-]{1,30}$/;

export function readWebhookHeaders(headers: IncomingHttpHeaders): WebhookHeaders {
  return {
    topic: read(headers['x-shopify-topic'], TOPIC, lowerCase),
    shopDomain: read(headers['x-shopify-shop-domain'], DOMAIN, lowerCase),
    webhookId: read(headers['x-shopify-webhook-id'], ID),
    triggeredAt: read(headers['x-shopify-triggered-at'], TIME),
    eventId: read(headers['x-shopify-event-id'], ID),
    apiVersion: read(headers['x-shopify-api-version'], API_VERSION, lowerCase),
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
