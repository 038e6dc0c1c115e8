import type { ApiKey } from '../tenants/api-key.js';
import { isListed } from '../tenants/origins.js';
import type { Principal } from './principal.js';

/**
 * Why a principal may not call from the page it calls from, in words that say what to do; undefined when it may. Public keys
 * and their sessions are bound to origins, because anybody can read them in a page's source.
 * @param origin the request's `Origin` header; apps and servers send none
 */
export function refusalOfOrigin(principal: Principal, origin: string | undefined): string | undefined {
  switch (principal.kind) {
    case 'secret-key':
    case 'user':
      return undefined;
    case 'session':
      return origin === undefined ? undefined : refusalByKey(principal.apiKey, origin);
    case 'public-key':
      return origin === undefined ? refusalWithoutOrigin(principal.apiKey) : refusalByKey(principal.apiKey, origin);
    default:
      return principal satisfies never;
  }
}

function refusalByKey({ allowedOrigins }: ApiKey, origin: string): string | undefined {
  if (isListed(origin, allowedOrigins)) {
    return undefined;
  }
  return allowedOrigins.length === 0
    ? 'This public key is for apps: it lists no origins, so no web page may use it. Make one with allowed_origins.'
    : 'This public key does not list the origin that the request comes from. Make one that has it in allowed_origins.';
}

function refusalWithoutOrigin({ allowedOrigins }: ApiKey): string | undefined {
  return allowedOrigins.length === 0
    ? undefined
    : 'This public key is for web pages: requests must come with an Origin that it lists. For an app make one without allowed_origins.';
}
