import { type ExecutionContext, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host';
import { AuthGuard, AuthModuleOptions } from '@nestjs/passport';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { forbidden, unauthorized } from '../common/errors.js';
import type { ApiKey } from '../tenants/api-key.js';
import { isListed } from '../tenants/origins.js';
import { ApiKeyStrategy, SessionTokenStrategy } from './credential.strategies.js';
import type { Principal, PrincipalKind } from './principal.js';

const NAMES: Readonly<Record<PrincipalKind, string>> = {
  'secret-key': 'secret key (ApiKey sk_…)',
  'public-key': 'public key (ApiKey pk_…)',
  session: 'session’s token (from /api/auth/session/)',
  user: 'user’s access token (from /api/auth/token/)',
};

/**
 * Admits requests whose credential is of a kind that the route accepts, and sets `request.principal`. It decides in a hook of
 * Fastify before the body is read: without a credential nothing is read, decompressed or parsed.
 */
@Injectable()
export class CredentialGuard extends AuthGuard() implements OnModuleInit {
  constructor(
    options: AuthModuleOptions,
    private readonly host: HttpAdapterHost<FastifyAdapter>,
    private readonly apiKeys: ApiKeyStrategy,
    private readonly sessions: SessionTokenStrategy,
  ) {
    super(options);
  }

  /** The hook comes after all of `onRequest`, CORS among them, so that web pages can read the error. */
  onModuleInit(): void {
    this.host.httpAdapter.getInstance().addHook('preParsing', (request, reply, _payload, done) => {
      const { accepts } = request.routeOptions.config;
      if (accepts === undefined || accepts.length === 0) {
        done();
        return;
      }
      // Nearly every event comes with a credential that is in memory: that takes no promise.
      request.principal = this.apiKeys.recall(request) ?? this.sessions.recall(request);
      if (request.principal !== undefined) {
        admit(request.principal, accepts, request, reply);
        done();
        return;
      }
      this.authenticate(accepts, request, reply).then(() => done(), done);
    });
  }

  /** @throws TypeError when the route does not say which principals it accepts */
  override canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const { principal, routeOptions } = context.switchToHttp().getRequest<FastifyRequest>();
    const { accepts } = routeOptions.config;
    if (accepts === undefined) {
      throw new TypeError(`${context.getClass().name}.${context.getHandler().name} has no @Accepts(…)`);
    }
    return accepts.length === 0 || (principal !== undefined && accepts.includes(principal.kind));
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

  /** @throws ApiError 401 without a valid credential, 403 for one that is not accepted, 503 when it cannot be checked now */
  private async authenticate(
    accepts: readonly PrincipalKind[],
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    await super.canActivate(new ExecutionContextHost([request, reply]));
    if (request.principal !== undefined) admit(request.principal, accepts, request, reply);
  }
}

/** @throws ApiError 403 for a principal of another kind, and for a page whose origin its key does not list */
function admit(
  principal: Principal,
  accepts: readonly PrincipalKind[],
  { headers }: FastifyRequest,
  reply: FastifyReply,
): void {
  if (!accepts.includes(principal.kind)) {
    const others = accepts.map((kind) => `a ${NAMES[kind]}`).join(' or ');
    throw forbidden(`A ${NAMES[principal.kind]} cannot do this. Use ${others}.`);
  }
  const problem = problemOfOrigin(principal, headers.origin);
  if (problem === undefined) return;
  // CORS admitted the origin because another key lists it. Pages of this origin cannot read this answer.
  reply.removeHeader('access-control-allow-origin');
  reply.removeHeader('access-control-expose-headers');
  throw forbidden(problem);
}

/**
 * Why a principal may not call from its page, with the fix; undefined when it may. Public keys and their sessions are bound
 * to origins, because anybody can read them in a page's source.
 * @param origin the request's `Origin` header; apps and servers send none
 */
function problemOfOrigin(principal: Principal, origin: string | undefined): string | undefined {
  switch (principal.kind) {
    case 'secret-key':
    case 'user':
      return undefined;
    case 'session':
      return origin === undefined ? undefined : problemByKey(principal.apiKey, origin);
    case 'public-key':
      return origin === undefined ? problemWithoutOrigin(principal.apiKey) : problemByKey(principal.apiKey, origin);
    default:
      return principal satisfies never;
  }
}

function problemByKey({ allowedOrigins }: ApiKey, origin: string): string | undefined {
  if (isListed(origin, allowedOrigins)) return undefined;
  return allowedOrigins.length === 0
    ? 'This public key is for apps: it lists no origins, so no web page may use it. Make one with allowed_origins.'
    : 'This public key does not list the origin that the request comes from. Make one that has it in allowed_origins.';
}

function problemWithoutOrigin({ allowedOrigins }: ApiKey): string | undefined {
  return allowedOrigins.length === 0
    ? undefined
    : 'This public key is for web pages: requests must come with an Origin that it lists. For an app make one without allowed_origins.';
}
