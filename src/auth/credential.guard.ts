import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard, AuthModuleOptions } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { forbidden, unauthorized } from '../common/errors.js';
import { Accepts } from './accepts.decorator.js';
import type { Principal, PrincipalKind } from './principal.js';

const NAMES: Readonly<Record<PrincipalKind, string>> = {
  'secret-key': 'secret key (ApiKey sk_…)',
  'public-key': 'public key (ApiKey pk_…)',
  session: 'session’s token (from /api/auth/session/)',
  user: 'user’s access token (from /api/auth/token/)',
};

/** Lets a request pass that carries a credential of a kind its route accepts, and notes whose it is in `request.principal`. */
@Injectable()
export class CredentialGuard extends AuthGuard() {
  constructor(
    options: AuthModuleOptions,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {
    super(options);
  }

  /** @throws ApiError 401 without a valid credential, 403 for one of another kind, 503 when it cannot be checked now */
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') {
      return true;
    }
    const accepted = this.reflector.getAllAndOverride(Accepts, [context.getHandler(), context.getClass()]);
    if ((accepted as readonly PrincipalKind[] | undefined) === undefined) {
      throw new TypeError(`${context.getClass().name}.${context.getHandler().name} does not say whom it accepts`);
    }
    if (accepted.length === 0) {
      return true;
    }
    await super.canActivate(context);
    const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
    if (principal !== undefined && !accepted.includes(principal.kind)) {
      const others = accepted.map((kind) => `a ${NAMES[kind]}`).join(' or ');
      throw forbidden(`A ${NAMES[principal.kind]} cannot do this. Use ${others}.`);
    }
    return true;
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the signature of the base class
  override handleRequest<T = Principal>(
    error: unknown,
    principal: unknown,
    _info: unknown,
    context: ExecutionContext,
  ): T {
    if (error) {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a strategy threw
      throw error;
    }
    if (!principal) {
      const { authorization } = context.switchToHttp().getRequest<FastifyRequest>().headers;
      throw unauthorized(
        authorization === undefined
          ? 'Send your API key: "Authorization: ApiKey sk_…".'
          : 'The Authorization header must read "ApiKey sk_…" or "Bearer" and a valid token.',
      );
    }
    return principal as T;
  }
}
