import { Documented } from '../../docs/documented.decorator.js';
import { closed, INSTANT, listOf, orNull, TEXT, UUID } from '../../docs/shapes.js';

const SETTINGS = closed({
  shop_domain: orNull(TEXT),
  secrets: listOf(closed({ id: UUID, created_at: INSTANT })),
  webhook_path: TEXT,
});

/** The documentation of ShopifySettingsController. */
export const shopifySettingsDocs = {
  find: Documented({
    summary: 'See how webhooks of Shopify are verified',
    answers: { 200: { description: 'The settings. Secrets go in and never come out.', schema: SETTINGS } },
  }),

  change: Documented({
    summary: 'Change how webhooks of Shopify are verified',
    description:
      'What is absent stays as it is. Without a `shop_domain` webhooks of any shop that knows a secret are taken.',
    examples: {
      'a shop and its secret': { body: { shop_domain: 'acme.myshopify.com', secrets: ['hush-4f1c9d'] } },
    },
    answers: { 200: { description: 'The settings as they are now.', schema: SETTINGS } },
  }),
};
