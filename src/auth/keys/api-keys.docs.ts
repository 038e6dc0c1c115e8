import { Documented } from '../../docs/documented.decorator.js';
import { closed, FLAG, INSTANT, listOf, oneOf, orNull, PAGES, TEXT, UUID } from '../../docs/shapes.js';
import { API_KEY_TYPES } from '../../tenants/api-key.js';

const SUMMARY = closed({
  id: UUID,
  name: TEXT,
  type: oneOf(API_KEY_TYPES),
  prefix: TEXT,
  last_four: TEXT,
  allowed_origins: listOf(TEXT),
  require_signed_user_id: FLAG,
  created_at: INSTANT,
  last_used_at: orNull(INSTANT),
  revoked_at: orNull(INSTANT),
});

/** The documentation of ApiKeysController. */
export const apiKeysDocs = {
  create: Documented({
    summary: 'Make an API key',
    examples: {
      'a secret key': { body: { name: 'backend' } },
      'a public key for a page': {
        body: { name: 'shop', type: 'public', allowed_origins: ['https://shop.example.com', 'https://*.example.com'] },
      },
    },
    answers: {
      201: {
        description: 'The key, shown this once. A public key comes with its `hmac_secret`, shown this once too.',
        schema: closed(
          { id: UUID, name: TEXT, key: TEXT },
          { hmac_secret: { type: 'string', pattern: '^[0-9a-f]{64}$' } },
        ),
      },
    },
  }),

  list: Documented({
    summary: 'List API keys',
    description: PAGES,
    answers: { 200: { description: 'Keys, revoked ones too, oldest first.', schema: listOf(SUMMARY) } },
  }),

  revoke: Documented({
    summary: 'Revoke an API key',
    parameters: { id: { description: 'The key’s id.', example: '019aa1f0-7c2e-7b3a-9d55-0c6a3f1f4b11' } },
    answers: { 204: { description: 'The key is answered with 401 from now on, on every instance.' } },
    errors: { 404: 'The tenant has no such key, or it was revoked before.' },
  }),
};
