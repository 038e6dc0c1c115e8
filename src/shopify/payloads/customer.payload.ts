import type { Payload } from '../payload.encoder.js';
import type { ShopifyObject } from '../shopify.object.js';

/** What customers are grouped by. Names, addresses and telephone numbers stay with Shopify. */
export function customerPayload(customer: ShopifyObject): Payload {
  return {
    customer_id: customer.id('id'),
    email: customer.text('email'),
    orders_count: customer.wholeNumber('orders_count'),
    total_spent: customer.money('total_spent'),
    currency: customer.text('currency'),
    tags: customer.text('tags'),
    state: customer.text('state'),
    locale: customer.text('locale'),
    accepts_marketing: acceptsMarketing(customer),
  };
}

/** API versions differ in how they say it; the newer way counts. */
function acceptsMarketing(customer: ShopifyObject): boolean | undefined {
  const consent = customer.object('email_marketing_consent')?.text('state');
  return consent === undefined ? customer.flag('accepts_marketing') : consent === 'subscribed';
}
