import { ApiSecurity } from '@nestjs/swagger';
import { addRouteConfig, routeConfigOf } from '../common/route.config.js';
import type { PrincipalKind } from './principal.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    accepts?: readonly PrincipalKind[];
  }
}

/** The security scheme by which the API's documentation knows each kind of principal. */
export const SECURITY_SCHEME_OF: Readonly<Record<PrincipalKind, string>> = {
  'secret-key': 'SecretKey',
  'public-key': 'PublicKey',
  session: 'SessionToken',
  user: 'AccessToken',
};

/**
 * The kinds of principal that a route, or every route of a controller, accepts; with none it accepts everybody and looks
 * at no credential. Where the auth module is loaded, a route without this decorator is refused: nothing is open by
 * oversight.
 */
export function Accepts(accepts: readonly PrincipalKind[]): ClassDecorator & MethodDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    if (name !== undefined && descriptor !== undefined) {
      accept(target, name, descriptor, accepts);
      return;
    }
    // The methods were decorated before their class: what they say themselves stands.
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

export const EVERYBODY: readonly PrincipalKind[] = [];
