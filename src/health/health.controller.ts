import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Accepts, EVERYBODY } from '../auth/principal.js';
import { unavailable } from '../common/errors.js';
import { healthDocs } from './health.docs.js';
import { HealthService } from './health.service.js';
import { Readiness } from './readiness.js';

const RETRY_AFTER_SECONDS = 5;

/** What Kubernetes, load balancers and people ask a process about its state; no credentials are needed. */
@Controller()
@Accepts(EVERYBODY)
export class HealthController {
  constructor(
    private readonly health: HealthService,
    private readonly readiness: Readiness,
  ) {}

  /** The whole way of an event. */
  @Get('api/ingestion/health')
  @healthDocs.report
  async report(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readonly<Record<string, string>>> {
    const { healthy, parts } = await this.health.report();
    void reply.status(healthy ? 200 : 503).header('cache-control', 'no-store');
    return parts;
  }

  /** This process lives. */
  @Get('livez')
  @healthDocs.live
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** This process takes requests. Asks nobody: a ClickHouse that is away must not take the API away too. */
  @Get('readyz')
  @healthDocs.ready
  ready(): { status: 'ok' } {
    if (!this.readiness.isReady) {
      throw unavailable('Shutting down.', RETRY_AFTER_SECONDS);
    }
    return { status: 'ok' };
  }
}
