import type { Payload } from '../payload.encoder.js';
import type { ShopifyObject } from '../shopify.object.js';

export function orderPayload(order: ShopifyObject): Payload {
  return {
    order_id: order.id('id'),
    total: order.money('total_price'),
    currency: order.text('currency'),
    item_count: order.count('line_items'),
    email: order.text('email'),
    financial_status: order.text('financial_status'),
  };
}
