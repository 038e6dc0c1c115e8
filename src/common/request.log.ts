import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { uuid7 } from './uuid7.js';

export const REQUEST_ID_HEADER = 'x-request-id';

/** The caller's id for its request when it is a sane one, else a new one. Sane: safe to log, to store and to send back. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const sent = request.headers[REQUEST_ID_HEADER];
  return typeof sent === 'string' && /^[\w.:-]{1,128}$/.test(sent) ? sent : uuid7();
}

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
