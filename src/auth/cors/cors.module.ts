import cors, { type FastifyCorsOptions } from '@fastify/cors';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { TenantsModule } from '../../tenants/tenants.module.js';
import { CorsPolicy } from './cors.policy.js';
import { sparingRequestsWithoutOrigin } from './sparing-requests-without-origin.js';

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
      this.policy.isOpenTo(request).then((isOpen) => {
        done(null, isOpen ? OPEN : CLOSED);
      }, done);
    };
    await new Promise<void>((resolve, reject) => {
      cors(sparingRequestsWithoutOrigin(fastify), { delegator }, (error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }
}
