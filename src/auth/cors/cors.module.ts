import cors, { type FastifyCorsOptions } from '@fastify/cors';
import { Injectable, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify';
import { forbidden } from '../../common/errors.js';
import { messageOf } from '../../common/operator.error.js';
import { ThrottledLog } from '../../common/service.logger.js';
import { ApiKeys } from '../../tenants/api-keys.service.js';
import { parseOrigin } from '../../tenants/origins.js';
import { TenantsModule } from '../../tenants/tenants.module.js';

/** What web pages call: all that a public key and its sessions are good for. */
const PATHS: ReadonlySet<string> = new Set(['/api/auth/session', '/api/ingestion/track', '/api/ingestion/track/batch']);

/**
 * Decides which pages may read an answer: those of every origin that some key lists. The guard then admits only origins of the
 * request's own key, but a page must be able to read that its session has expired.
 */
@Injectable()
class CorsPolicy {
  private readonly log = new ThrottledLog(CorsPolicy.name);

  constructor(private readonly apiKeys: ApiKeys) {}

  /**
   * Whether the answer to a request, or a preflight, is open to the origin that it comes from.
   * @throws ApiError 403 to a preflight from an origin that no key lists
   * @throws ControlPlaneUnavailableError, ApiError 503 to a preflight that cannot be answered now
   */
  async isOpenTo({ method, url, headers, ip }: FastifyRequest): Promise<boolean> {
    const { origin } = headers;
    if (origin === undefined || !PATHS.has(pathOf(url))) return false;
    if (method !== 'OPTIONS') {
      return this.isListedBySomeKey(origin, ip).catch((error: unknown) => {
        this.log.error(
          () => `Web pages cannot read our answers until their origins can be checked again. ${messageOf(error)}`,
        );
        return false;
      });
    }
    if (headers['access-control-request-method'] === undefined) return false;
    if (!(await this.isListedBySomeKey(origin, ip))) {
      throw forbidden('No public key lists this origin. Make one that has it in allowed_origins.');
    }
    return true;
  }

  private async isListedBySomeKey(header: string, address: string): Promise<boolean> {
    const origin = parseOrigin(header);
    return origin !== undefined && this.apiKeys.admitsOrigin(origin, address);
  }
}

/** Without query, repeated slashes and trailing slash. */
function pathOf(url: string): string {
  return `/${url.split('?', 1)[0]?.split('/').filter(Boolean).join('/') ?? ''}`;
}

const OPEN: FastifyCorsOptions = {
  origin: true,
  methods: ['POST'],
  // Without `allowedHeaders` all that the page asks for are allowed: tracing libraries add their own to every request.
  exposedHeaders: [
    'x-request-id',
    'idempotency-replayed',
    'retry-after',
    'ratelimit-limit',
    'ratelimit-remaining',
    'ratelimit-reset',
  ],
  // Seconds. A preflight that was answered before a key was revoked does no harm: the guard sees every request.
  maxAge: 600,
  credentials: false,
};
const CLOSED: FastifyCorsOptions = { origin: false };

/** Answers preflights and lets web pages read answers, as {@link CorsPolicy} says. */
@Module({ imports: [TenantsModule], providers: [CorsPolicy] })
export class CorsModule implements OnApplicationBootstrap {
  constructor(
    private readonly host: HttpAdapterHost<FastifyAdapter>,
    private readonly policy: CorsPolicy,
  ) {}

  /**
   * Not earlier, because the plugin's route keeps the error handler that it finds, and Nest sets its own just before this.
   * Not Nest's `enableCors`: its hook comes before the one that gives answers their request id, and writes headers that no
   * guard can take back.
   */
  async onApplicationBootstrap(): Promise<void> {
    const fastify = this.host.httpAdapter.getInstance();
    const delegator: FastifyCorsOptions['delegator'] = (request, done) => {
      this.policy.isOpenTo(request).then((isOpen) => done(null, isOpen ? OPEN : CLOSED), done);
    };
    await new Promise<void>((resolve, reject) => {
      cors(sparingRequestsWithoutOrigin(fastify), { delegator }, (error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }
}

/**
 * The instance for a plugin whose `onRequest` hook has nothing to do for requests without an `Origin`. The hook of
 * `@fastify/cors` takes 3 µs, and the `Vary` header that it adds another 4, of the 40 that an empty route takes.
 */
function sparingRequestsWithoutOrigin(fastify: FastifyInstance): FastifyInstance {
  const addHook = (name: 'onRequest', hook: onRequestHookHandler): FastifyInstance =>
    fastify.addHook(name, function (request, reply, done) {
      if (request.headers.origin === undefined) done();
      else hook.call(this, request, reply, done);
    });
  return new Proxy(fastify, {
    get: (target, property): unknown => (property === 'addHook' ? addHook : Reflect.get(target, property)),
  });
}
