import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

interface RawBodyConfig {
  rawBody?: boolean;
}

/** The route takes its body as the bytes that were sent, and parses them itself. Other routes get parsed JSON. */
export const RawBody = () => RouteConfig({ rawBody: true } satisfies RawBodyConfig);

export function wantsRawBody(request: FastifyRequest): boolean {
  return (request.routeOptions.config as RawBodyConfig).rawBody === true;
}
