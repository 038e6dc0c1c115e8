import type { Payload } from '../payload.encoder.js';
import type { ShopifyObject } from '../shopify.object.js';

export function checkoutPayload(checkout: ShopifyObject): Payload {
  return {
    checkout_id: checkout.id('id') ?? checkout.text('token'),
    total: checkout.money('total_price'),
    currency: checkout.text('currency') ?? checkout.text('presentment_currency'),
    item_count: checkout.count('line_items'),
    email: checkout.text('email'),
  };
}
