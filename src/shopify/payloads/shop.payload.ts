import type { Payload } from '../payload.encoder.js';
import type { ShopifyObject } from '../shopify.object.js';

export function shopPayload(shop: ShopifyObject): Payload {
  return { shop_domain: shop.text('myshopify_domain') ?? shop.text('domain') };
}
