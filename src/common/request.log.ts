import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { uuid7 } from './uuid7.js';

export const REQUEST_ID_HEADER = 'x-request-id';

/** The caller's request id if it is safe to log, store and send back, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const sent = request.headers[REQUEST_ID_HEADER];
  return typeof sent === 'string' && /^[\w.:-]{1,128}$/.test(sent) ? sent : uuid7();
}

export function requestFields({ id, principal }: FastifyRequest): { requestId: string; tenantId: string | undefined } {
  return { requestId: id, tenantId: principal?.tenantId };
}

/** Logs every answer at `debug`, with the route: an address may hold personal data. */
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
