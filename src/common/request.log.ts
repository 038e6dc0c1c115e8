import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** What tells whose request a line belongs to. */
export function requestFields({ id, principal }: FastifyRequest): { requestId: string; tenantId: string | undefined } {
  return { requestId: id, tenantId: principal?.tenantId };
}

/** Logs every answer at `debug`: the route, never the address, which may hold what its sender wants to keep. */
export function logRequests(fastify: FastifyInstance): void {
  const logger = new Logger('Request');
  fastify.addHook('onResponse', (request, { statusCode, elapsedTime }, done) => {
    const route = request.routeOptions.url ?? 'unknown path';
    logger.debug({
      message: `${request.method} ${route} ${statusCode}`,
      ...requestFields(request),
      durationMs: Math.round(elapsedTime * 1000) / 1000,
    });
    done();
  });
}
