import type { ApiKey } from '../tenants/api-key.js';

/** A server of the tenant, with a secret key. */
export interface SecretKeyPrincipal {
  readonly kind: 'secret-key';
  readonly tenantId: string;
  readonly apiKeyId: string;
}

/** An app that holds a public key, which is worth nothing but a session. */
export interface PublicKeyPrincipal {
  readonly kind: 'public-key';
  readonly tenantId: string;
  readonly apiKey: ApiKey;
}

/** A browser or app, on behalf of one of the tenant's own users, with a session's token. */
export interface SessionPrincipal {
  readonly kind: 'session';
  readonly tenantId: string;
  /** The public key that the session was opened with. */
  readonly apiKey: ApiKey;
  readonly sessionId: string;
  /** The only `user_id` it may send events of. */
  readonly uid: string;
}

/** Somebody who works for the tenant, with an access token. */
export interface UserPrincipal {
  readonly kind: 'user';
  readonly tenantId: string;
  /** Of our own user a UUID; of another issuer's its `sub`. */
  readonly userId: string;
}

/** Who a request comes from, once the guard has checked its credential, and the one tenant it may act on. */
export type Principal = SecretKeyPrincipal | PublicKeyPrincipal | SessionPrincipal | UserPrincipal;

export type PrincipalKind = Principal['kind'];

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard's hook; absent on routes that accept everybody. */
    principal?: Principal | undefined;
  }
}
