import { Documented } from '../../docs/documented.decorator.js';
import { closed, TEXT, WHOLE_SECOND } from '../../docs/shapes.js';

/** The documentation of SessionController. */
export const sessionDocs = {
  open: Documented({
    summary: 'Exchange a public key for a session',
    description:
      'The session is locked to `uid`: the `user_id`, else `anon_` and the `anonymous_id`. `user_id_sig` is the lower-case hex of HMAC-SHA256 over `<user_id>|<user_id_ts>`, keyed with the bytes of the key’s HMAC secret. The request’s `Origin` must be one that the key lists.',
    examples: {
      'a visitor': { body: { anonymous_id: '7b3a9d55' } },
      'a known user': { body: { user_id: 'zoe@example.com' } },
    },
    answers: {
      200: {
        description: 'A token for 15 minutes.',
        schema: closed({ token: TEXT, expires_at: WHOLE_SECOND, uid: TEXT }),
      },
    },
  }),
};
