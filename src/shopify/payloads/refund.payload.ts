import type { Decimal } from '../decimal.js';
import type { Payload } from '../payload.encoder.js';
import type { ShopifyObject } from '../shopify.object.js';
import { sumOf } from './sum-of.js';

export function refundPayload(refund: ShopifyObject): Payload {
  return {
    order_id: refund.id('order_id'),
    refund_id: refund.id('id'),
    total: refundedAmount(refund),
    currency: currencyOf(refund),
  };
}

/** The money that went back; where transactions are filtered away, what the refunded items cost with their tax. */
function refundedAmount(refund: ShopifyObject): Decimal | undefined {
  const transactions = refund.objects('transactions');
  if (transactions !== undefined) {
    return sumOf(transactions.filter(movesMoneyBack).map((transaction) => transaction.money('amount')));
  }
  const lines = refund.objects('refund_line_items');
  // Not every line is taxed.
  return lines && sumOf(lines.map((line) => sumOf([line.money('subtotal'), line.money('total_tax') ?? NO_TAX])));
}

const NO_TAX = sumOf([]);

/** An order's refund also lists what failed, and what was voided instead of paid back. */
function movesMoneyBack(transaction: ShopifyObject): boolean {
  const status = transaction.text('status');
  return (transaction.text('kind') ?? 'refund') === 'refund' && status !== 'failure' && status !== 'error';
}

function currencyOf(refund: ShopifyObject): string | undefined {
  const candidates = [
    ...(refund.objects('transactions') ?? []).map((transaction) => transaction.text('currency')),
    ...(refund.objects('refund_line_items') ?? []).map((line) => shopCurrencyOf(line, 'subtotal_set')),
    shopCurrencyOf(refund, 'total_duties_set'),
  ];
  return candidates.find((currency) => currency !== undefined);
}

function shopCurrencyOf(object: ShopifyObject, amounts: string): string | undefined {
  return object.object(amounts)?.object('shop_money')?.text('currency_code');
}
