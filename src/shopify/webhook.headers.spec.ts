import { readWebhookHeaders } from './webhook.headers.js';

const SENT = {
  'x-shopify-topic': 'orders/create',
  'x-shopify-shop-domain': 'north-pine.myshopify.com',
  'x-shopify-webhook-id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
  'x-shopify-triggered-at': '2026-04-25T13:00:03.877041743Z',
};

const READ = {
  topic: 'orders/create',
  shopDomain: 'north-pine.myshopify.com',
  webhookId: 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
  triggeredAt: '2026-04-25T13:00:03.877041743Z',
};

const NAMES = Object.keys(SENT).map((header, index): [string, keyof typeof READ] => [
  header,
  Object.keys(READ)[index] as keyof typeof READ,
]);

describe('readWebhookHeaders', () => {
  it('should read what Shopify sends', () => {
    expect(readWebhookHeaders(SENT)).toEqual(READ);
  });

  it.each(NAMES)('should read a webhook without %s', (header, field) => {
    expect(readWebhookHeaders({ ...SENT, [header]: undefined })).toEqual({ ...READ, [field]: undefined });
    expect(readWebhookHeaders({ ...SENT, [header]: '' })).toEqual({ ...READ, [field]: undefined });
    expect(readWebhookHeaders({ ...SENT, [header]: '  ' })).toEqual({ ...READ, [field]: undefined });
  });

  it.each(NAMES)('should not choose between two values of %s', (header, field) => {
    const value = READ[field];
    // As Node presents a header that came twice.
    expect(readWebhookHeaders({ ...SENT, [header]: `${value}, ${value}` })).toEqual({ ...READ, [field]: null });
    expect(readWebhookHeaders({ ...SENT, [header]: [value, value] })).toEqual({ ...READ, [field]: null });
  });

  it.each(NAMES)('should not pass on a value of %s that is longer than any of Shopify', (header, field) => {
    expect(readWebhookHeaders({ ...SENT, [header]: 'a'.repeat(300) })).toEqual({ ...READ, [field]: null });
  });

  it.each([
    ['x-shopify-topic', 'topic', 'orders'],
    ['x-shopify-topic', 'topic', '../orders/create'],
    ['x-shopify-topic', 'topic', 'orders//create'],
    ['x-shopify-topic', 'topic', `orders/${'a'.repeat(94)}`],
    ['x-shopify-shop-domain', 'shopDomain', 'https://north-pine.myshopify.com'],
    ['x-shopify-webhook-id', 'webhookId', 'tab\tbed'],
    ['x-shopify-webhook-id', 'webhookId', 'caf\u00e9'],
    ['x-shopify-triggered-at', 'triggeredAt', 'yesterday'],
  ])('should take %s for unusable when its %s is %j', (header, field, value) => {
    expect(readWebhookHeaders({ ...SENT, [header]: value })).toEqual({ ...READ, [field]: null });
  });

  it.each([
    'customer.tags_added',
    'product_feeds/full_sync',
    'fulfillment_orders/line_items_prepared_for_pickup',
    'a2/b-3',
  ])('should know %s for a topic', (topic) => {
    expect(readWebhookHeaders({ 'x-shopify-topic': topic }).topic).toBe(topic);
  });

  it('should take names of topics and domains in any case', () => {
    const headers = {
      ...SENT,
      'x-shopify-topic': ' Orders/Create ',
      'x-shopify-shop-domain': 'North-Pine.MyShopify.com',
    };
    expect(readWebhookHeaders(headers)).toEqual(READ);
  });
});
