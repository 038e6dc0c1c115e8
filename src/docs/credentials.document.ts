import type { JsonSchema } from '../common/dto.schema.js';
import type { PrincipalKind } from '../auth/principal.js';

/** The security scheme by which the document knows each kind of principal. */
export const SCHEME_OF: Readonly<Record<PrincipalKind, string>> = {
  'secret-key': 'SecretKey',
  'public-key': 'PublicKey',
  session: 'SessionToken',
  user: 'AccessToken',
};

/** OpenAPI knows no scheme `ApiKey`: keys are described as a header of their own form. */
const key = (description: string) => ({ type: 'apiKey', in: 'header', name: 'Authorization', description });
const bearer = (description: string) => ({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description });

export const SECURITY_SCHEMES: Readonly<Record<string, JsonSchema>> = {
  SecretKey: key('`ApiKey sk_…`: a tenant’s secret key, for servers. The value includes the word `ApiKey`.'),
  PublicKey: key('`ApiKey pk_…`: a tenant’s public key, which opens sessions. The value includes the word `ApiKey`.'),
  AccessToken: bearer('A user’s access token, from `POST /api/auth/token/`. Lives 60 minutes.'),
  SessionToken: bearer('The token of a page’s or app’s session, from `POST /api/auth/session/`. Lives 15 minutes.'),
  ShopifySignature: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Shopify-Hmac-SHA256',
    description: 'Base64 of HMAC-SHA256 over the bytes of the body, keyed with a webhook secret of the tenant.',
  },
};
