import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';

interface RawBodyConfig {
  rawBody?: { maxBytes?: number };
}

/**
 * The route takes its body as the bytes that were sent, and parses them itself. Other routes get parsed JSON.
 * @param options `maxBytes`: the route's own limit after decompression, instead of `MAX_BODY_BYTES`
 */
export const RawBody = (options: { maxBytes?: number } = {}) =>
  RouteConfig({ rawBody: options } satisfies RawBodyConfig);

export function wantsRawBody(request: FastifyRequest): boolean {
  return (request.routeOptions.config as RawBodyConfig).rawBody !== undefined;
}

/** Gives routes the limits that they ask for. Called before they are registered. */
export function limitRawBodies(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    const maxBytes = (route.config as RawBodyConfig | undefined)?.rawBody?.maxBytes;
    if (maxBytes !== undefined) route.bodyLimit = maxBytes;
  });
}
