import { addRouteConfig, routeConfigOf } from '../common/route.config.js';
import type { PrincipalKind } from './principal.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    accepts?: readonly PrincipalKind[];
  }
}

/**
 * The kinds of principal that a route, or every route of a controller, accepts; with none it accepts everybody and looks
 * at no credential. Where the auth module is loaded, a route without this decorator is refused: nothing is open by
 * oversight.
 */
export function Accepts(accepts: readonly PrincipalKind[]): ClassDecorator & MethodDecorator {
  return (target: object, _name?: unknown, descriptor?: PropertyDescriptor) => {
    if (descriptor !== undefined) {
      addRouteConfig(descriptor.value as object, { accepts });
      return;
    }
    // The methods were decorated before their class: what they say themselves stands.
    const { prototype } = target as { readonly prototype: object };
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(prototype)) as { value?: unknown }[]) {
      if (typeof value === 'function') addRouteConfig(value, { accepts, ...routeConfigOf(value) });
    }
  };
}

export const EVERYBODY: readonly PrincipalKind[] = [];
