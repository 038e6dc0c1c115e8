import { Reflector } from '@nestjs/core';
import type { PrincipalKind } from './principal.js';

/**
 * The kinds of principal that a route, or every route of a controller, accepts; with none it accepts everybody and looks
 * at no credential. Where the auth module is loaded, a route without this decorator is refused: nothing is open by
 * oversight.
 */
export const Accepts = Reflector.createDecorator<readonly PrincipalKind[]>();

export const EVERYBODY: readonly PrincipalKind[] = [];
