import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

interface RawBodyOptions {
  /** The route's own limit after decompression, instead of `MAX_BODY_BYTES`. */
  readonly maxBytes?: number;
  /** Bodies come in whatever their type is said to be. It still stands in `request.raw.headers`. */
  readonly ofAnyType?: true;
}

interface RawBodyConfig {
  rawBody?: RawBodyOptions;
}

/** The route takes its body as the bytes that were sent, and parses them itself. Other routes get parsed JSON. */
export const RawBody = (options: RawBodyOptions = {}) => RouteConfig({ rawBody: options } satisfies RawBodyConfig);

export function wantsRawBody(request: FastifyRequest): boolean {
  return (request.routeOptions.config as RawBodyConfig).rawBody !== undefined;
}

/** Gives routes the bodies that they ask for. Called before they are registered. */
export function fitRawBodies(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    const { maxBytes, ofAnyType } = (route.config as RawBodyConfig | undefined)?.rawBody ?? {};
    if (maxBytes !== undefined) route.bodyLimit = maxBytes;
    if (ofAnyType === true) route.onRequest = [...[route.onRequest ?? []].flat(), passForJson];
  });
}

/** There is a parser for no other type. */
function passForJson(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  request.headers = { ...request.headers, 'content-type': 'application/json' };
  done();
}
