import { Documented } from '../../docs/documented.decorator.js';
import { closed, TEXT } from '../../docs/shapes.js';

const PAIR = closed({ access: TEXT, refresh: TEXT });
const REFRESH = { refresh: 'the refresh token of the login' };

/** The documentation of TokenController. */
export const tokenDocs = {
  create: Documented({
    summary: 'Log in',
    examples: {
      'a login': { body: { email: 'zoe@acme.example', password: 'correct horse battery staple' } },
    },
    answers: { 200: { description: 'An access token for 60 minutes, and what gets the next one.', schema: PAIR } },
    errors: {
      401: 'The email address or the password is wrong.',
      429: 'Too many logins failed, of this account or from this network, or too many of the network are under way.',
      503: 'Too many log in at once, or users cannot be read now.',
    },
  }),

  refresh: Documented({
    summary: 'Get the next access token',
    description: 'The refresh token stays good until 7 days after its last use, at most 30 days after the login.',
    examples: {
      'a refresh token': { body: REFRESH },
    },
    answers: { 200: { description: 'An access token for 60 minutes.', schema: closed({ access: TEXT }) } },
    errors: { 401: 'The refresh token is not valid, or not any more.', 503: 'Logins cannot be read now.' },
  }),

  revoke: Documented({
    summary: 'Log out',
    examples: { 'a refresh token': { body: REFRESH }, 'a text that is none': { body: { refresh: 'garbage' } } },
    answers: { 204: { description: 'The login that the token belonged to, if any, has ended.' } },
    errors: { 503: 'Logins cannot be changed now.' },
  }),
};
