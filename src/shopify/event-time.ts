import { parseOccurredAt } from '../events/occurred-at.js';
import { isAcceptable } from './event-field.rules.js';
import type { ShopifyObject } from './shopify.object.js';

interface TimeSources {
  /** `X-Shopify-Triggered-At`. */
  readonly triggeredAt: string | null | undefined;
  readonly object: ShopifyObject;
  /** The object's fields that say when the topic's event happened, the best first. */
  readonly fields: readonly string[];
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

/**
 * When the event happened, in ms since 1970: by Shopify's clock, else by the object, else by ours. A time that no event may
 * have as its `occurred_at` is passed over.
 */
export function eventTimeOf({ triggeredAt, object, fields, receivedAt }: TimeSources): number {
  const texts = [triggeredAt, ...fields.map((field) => object.text(field))];
  for (const text of texts) {
    if (typeof text === 'string' && isAcceptable('occurred_at', text)) {
      return parseOccurredAt(text) ?? receivedAt;
    }
  }
  return receivedAt;
}
