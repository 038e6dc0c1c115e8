import { Documented } from '../../docs/documented.decorator.js';
import { closed, listOf, TEXT } from '../../docs/shapes.js';

const KEY = { type: 'object', properties: { kty: TEXT, kid: TEXT, alg: TEXT, use: TEXT }, required: ['kty', 'kid'] };

/** The documentation of JwksController. */
export const jwksDocs = {
  keys: Documented({
    summary: 'Get the keys that verify our tokens',
    description: 'A JSON Web Key Set (RFC 7517). Empty where tokens are signed with a secret.',
    answers: { 200: { description: 'The public keys.', schema: closed({ keys: listOf(KEY) }) } },
  }),
};
