import { Decimal } from './decimal.js';
import type { ShopifyObject } from './shopify.object.js';

/** What an event says about a Shopify object, by property. Undefined ones are left out. */
export type Payload = Readonly<Record<string, string | number | boolean | Decimal | undefined>>;

/** The payload as JSON text in UTF-8. Amounts become numbers with the digits that Shopify sent. */
export function encodePayload(payload: Payload): Uint8Array {
  const members = Object.entries(payload)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const json = value instanceof Decimal ? value.toString() : JSON.stringify(value);
      return `${JSON.stringify(name)}:${json}`;
    });
  return Buffer.from(`{${members.join(',')}}`);
}

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

/** What customers are grouped by. Names, addresses and telephone numbers stay with Shopify. */
export function customerPayload(customer: ShopifyObject): Payload {
  // API versions differ in how they say it; the newer way counts.
  const consent = customer.object('email_marketing_consent')?.text('state');
  return {
    customer_id: customer.id('id'),
    email: customer.text('email'),
    orders_count: customer.wholeNumber('orders_count'),
    total_spent: customer.money('total_spent'),
    currency: customer.text('currency'),
    tags: customer.text('tags'),
    state: customer.text('state'),
    locale: customer.text('locale'),
    accepts_marketing: consent === undefined ? customer.flag('accepts_marketing') : consent === 'subscribed',
  };
}

export function checkoutPayload(checkout: ShopifyObject): Payload {
  return {
    checkout_id: checkout.id('id') ?? checkout.text('token'),
    total: checkout.money('total_price'),
    currency: checkout.text('currency') ?? checkout.text('presentment_currency'),
    item_count: checkout.count('line_items'),
    email: checkout.text('email'),
  };
}

/** A cart has neither a total nor a currency: both are read from its lines. */
export function cartPayload(cart: ShopifyObject): Payload {
  const lines = cart.objects('line_items');
  return {
    cart_id: cart.id('id') ?? cart.text('token'),
    total: lines && sumOf(lines.map((line) => line.money('line_price'))),
    currency: cart.text('currency') ?? firstOf(lines?.map((line) => shopCurrencyOf(line, 'price_set'))),
    item_count: lines?.length,
    email: cart.text('email'),
  };
}

export function refundPayload(refund: ShopifyObject): Payload {
  const transactions = refund.objects('transactions');
  const lines = refund.objects('refund_line_items');
  return {
    order_id: refund.id('order_id'),
    refund_id: refund.id('id'),
    // Where the merchant filters transactions out: the price of the refunded items with their tax. Not every line is taxed.
    total:
      transactions === undefined
        ? lines && sumOf(lines.flatMap((line) => [line.money('subtotal'), line.money('total_tax') ?? Decimal.ZERO]))
        : sumOf(transactions.filter(movesMoneyBack).map((transaction) => transaction.money('amount'))),
    currency: firstOf([
      ...(transactions ?? []).map((transaction) => transaction.text('currency')),
      ...(lines ?? []).map((line) => shopCurrencyOf(line, 'subtotal_set')),
      shopCurrencyOf(refund, 'total_duties_set'),
    ]),
  };
}

/** A refund also lists failed transactions, and those that were voided instead of paid back. */
function movesMoneyBack(transaction: ShopifyObject): boolean {
  const status = transaction.text('status');
  return (transaction.text('kind') ?? 'refund') === 'refund' && status !== 'failure' && status !== 'error';
}

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

export function shopPayload(shop: ShopifyObject): Payload {
  return { shop_domain: shop.text('myshopify_domain') ?? shop.text('domain') };
}

/** Undefined when an amount is missing, since the sum of the others would be wrong. */
function sumOf(amounts: readonly (Decimal | undefined)[]): Decimal | undefined {
  return amounts.reduce<Decimal | undefined>((sum, amount) => amount && sum?.plus(amount), Decimal.ZERO);
}

function firstOf(texts: readonly (string | undefined)[] = []): string | undefined {
  return texts.find((text) => text !== undefined);
}

function shopCurrencyOf(object: ShopifyObject, amounts: string): string | undefined {
  return object.object(amounts)?.object('shop_money')?.text('currency_code');
}
