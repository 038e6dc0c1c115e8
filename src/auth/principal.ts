import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiSecurity } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { addRouteConfig, routeConfigOf } from '../common/route.config.js';
import type { ApiKey } from '../tenants/api-key.js';

/** A server of the tenant, with a secret key. */
export interface SecretKeyPrincipal {
  readonly kind: 'secret-key';
  readonly tenantId: string;
  readonly apiKeyId: string;
}

/** A page or app with a public key, which is good for opening a session only. */
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

/** Who a request comes from, once its credential was checked, and the one tenant it may act on. */
export type Principal = SecretKeyPrincipal | PublicKeyPrincipal | SessionPrincipal | UserPrincipal;

export type PrincipalKind = Principal['kind'];

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard's hook; absent on routes that accept everybody. */
    principal?: Principal | undefined;
  }
  interface FastifyContextConfig {
    accepts?: readonly PrincipalKind[];
  }
}

export const EVERYBODY: readonly PrincipalKind[] = [];

/** The security scheme by which the API's documentation knows each kind of principal. */
export const SECURITY_SCHEME_OF: Readonly<Record<PrincipalKind, string>> = {
  'secret-key': 'SecretKey',
  'public-key': 'PublicKey',
  session: 'SessionToken',
  user: 'AccessToken',
};

/**
 * The kinds of principal that a route, or every route of a controller, accepts. {@link EVERYBODY} checks no credential. The
 * guard rejects a route without this decorator, so that none is open by oversight.
 */
export function Accepts(accepts: readonly PrincipalKind[]): ClassDecorator & MethodDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    if (name !== undefined && descriptor !== undefined) {
      accept(target, name, descriptor, accepts);
      return;
    }
    // Methods are decorated before their class: what a method says itself stands.
    const { prototype } = target as { readonly prototype: object };
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      const { value } = descriptor as { value?: unknown };
      if (name !== 'constructor' && typeof value === 'function' && routeConfigOf(value).accepts === undefined) {
        accept(prototype, name, descriptor, accepts);
      }
    }
  };
}

function accept(
  prototype: object,
  name: string | symbol,
  descriptor: PropertyDescriptor,
  accepts: readonly PrincipalKind[],
): void {
  addRouteConfig(descriptor.value as object, { accepts });
  for (const kind of accepts) ApiSecurity(SECURITY_SCHEME_OF[kind])(prototype, name, descriptor);
}

/** The principal of the request, as an argument of a route that accepts some kind of it. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
  if (principal === undefined) throw new TypeError('@CurrentPrincipal() stands on a route without @Accepts(…)');
  return principal;
});
