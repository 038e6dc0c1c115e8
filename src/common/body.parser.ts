import type { FastifyInstance } from 'fastify';
import { ApiError } from './api-error.js';
import { badRequest } from './errors.js';
import { wantsRawBody } from './raw-body.js';

/** Validation walks what was sent, and would run out of stack on a body that nests thousands deep. */
const MAX_DEPTH = 64;

/** Only JSON comes in: as bytes for the routes that ask for them, parsed for the others. Anything else is a 415. */
export function parseJsonBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (wantsRawBody(request)) {
      done(null, body);
      return;
    }
    try {
      done(null, parse(body));
    } catch (error) {
      done(error instanceof ApiError ? error : badRequest('The body is not valid JSON.'));
    }
  });
}

function parse(body: Buffer): unknown {
  // Some clients name a content type where there is no content. A route that needs fields says which.
  if (body.length === 0) {
    return undefined;
  }
  const value: unknown = JSON.parse(body.toString());
  if (isDeeperThan(value, MAX_DEPTH)) {
    throw badRequest(`The body must not nest more than ${MAX_DEPTH} levels.`);
  }
  return value;
}

/** Goes no deeper than it has to, so that it cannot run out of stack itself. */
function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1));
}
