import { Documented } from '../docs/documented.decorator.js';
import { closed, FLAG } from '../docs/shapes.js';

/** The documentation of ShopifyController. */
export const shopifyDocs = {
  receive: Documented({
    summary: 'Receive a webhook of Shopify',
    description: 'Everything that Shopify may send is answered with success, or it would give up on the subscription.',
    signedBy: 'ShopifySignature',
    body: { type: 'object', additionalProperties: true, description: 'The webhook as Shopify sends it.' },
    parameters: { tenant: { description: 'The tenant’s slug.', example: 'acme' } },
    headers: {
      'X-Shopify-Topic': { description: 'What happened.', example: 'orders/create', required: true },
      'X-Shopify-Shop-Domain': { description: 'The shop that it happened in, such as `acme.myshopify.com`.' },
      'X-Shopify-Webhook-Id': { description: 'A UUID, the same when a delivery is repeated.' },
    },
    examples: {
      'an order': {
        body: {
          id: 820982911946154500,
          email: 'zoe@example.com',
          created_at: '2026-04-25T13:00:00+02:00',
          total_price: '59.90',
          currency: 'EUR',
          line_items: [],
        },
      },
    },
    answers: {
      202: { description: 'What it tells of is on disk.', schema: closed({ queued: FLAG }) },
      200: { description: 'It tells of nothing that is stored.', schema: closed({ queued: FLAG }) },
    },
    errors: {
      401: 'It is not signed with a webhook secret of the tenant.',
      403: 'It is of another shop than the tenant’s.',
      503: 'It cannot be queued now. Shopify sends it again.',
    },
  }),
};
