import { isAcceptable } from './event-field.rules.js';
import type { ShopifyObject } from './shopify.object.js';

/** What a topic's object is, as far as it matters for whom it belongs to. */
export type ObjectKind = 'order' | 'customer' | 'checkout' | 'cart' | 'refund' | 'fulfillment' | 'shop';

/**
 * The `user_id` of an event: the customer's email address, else the customer's id, else `anon_` and the token of the cart or
 * checkout. A value that no event may have as its `user_id` is passed over.
 *
 * An object's own `user_id` is no source: it is the member of the staff who made the order or the refund.
 * @returns undefined when the object names nobody
 */
export function userIdOf(object: ShopifyObject, kind: ObjectKind): string | undefined {
  const customer = kind === 'customer' ? object : object.object('customer');
  const token =
    (hasOwnToken(kind) ? object.text('token') : undefined) ??
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

/** The `token` of an order is the order's, which no cart or checkout shares. */
function hasOwnToken(kind: ObjectKind): boolean {
  return kind === 'cart' || kind === 'checkout';
}
