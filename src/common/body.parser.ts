import type { FastifyInstance } from 'fastify';
import { badRequest } from './errors.js';
import { wantsRawBody } from './raw-body.js';

/** Only JSON comes in: as bytes for the routes that ask for them, parsed for the others. Anything else is a 415. */
export function parseJsonBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (wantsRawBody(request)) {
      done(null, body);
      return;
    }
    try {
      done(null, JSON.parse(body.toString()));
    } catch {
      done(badRequest('The body is not valid JSON.'));
    }
  });
}
