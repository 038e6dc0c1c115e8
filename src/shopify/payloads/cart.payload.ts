import type { Payload } from '../payload.encoder.js';
import type { ShopifyObject } from '../shopify.object.js';
import { sumOf } from './sum-of.js';

/** A cart has neither a total nor a currency: both are read from its lines. */
export function cartPayload(cart: ShopifyObject): Payload {
  const lines = cart.objects('line_items');
  return {
    cart_id: cart.id('id') ?? cart.text('token'),
    total: lines && sumOf(lines.map((line) => line.money('line_price'))),
    currency: cart.text('currency') ?? lines?.map(currencyOf).find((currency) => currency !== undefined),
    item_count: lines?.length,
    email: cart.text('email'),
  };
}

function currencyOf(line: ShopifyObject): string | undefined {
  return line.object('price_set')?.object('shop_money')?.text('currency_code');
}
