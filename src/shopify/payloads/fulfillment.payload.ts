import type { Payload } from '../payload.encoder.js';
import type { ShopifyObject } from '../shopify.object.js';

export function fulfillmentPayload(fulfillment: ShopifyObject): Payload {
  return {
    order_id: fulfillment.id('order_id'),
    fulfillment_id: fulfillment.id('id'),
    status: fulfillment.text('status'),
    shipment_status: fulfillment.text('shipment_status'),
    tracking_company: fulfillment.text('tracking_company'),
    item_count: fulfillment.count('line_items'),
    email: fulfillment.text('email'),
  };
}
