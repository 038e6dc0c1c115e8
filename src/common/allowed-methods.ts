import { maxHeaderSize } from 'node:http';
import type { FastifyInstance } from 'fastify';
import Router, { type HTTPMethod } from 'find-my-way';

/** However long a part of the address is, it is the route's to answer: all headers together have at most this. */
export const PATH_RULES = { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: maxHeaderSize };

const METHODS: readonly HTTPMethod[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Knows which methods a path is served with, to tell a wrong method (405) from a wrong path (404); Fastify's own router
 * answers 404 to both. Made before the routes are registered, which it listens to.
 */
export class AllowedMethods {
  private readonly router = Router(PATH_RULES);

  constructor(fastify: FastifyInstance) {
    fastify.addHook('onRoute', ({ method, url }) => {
      const methods = METHODS.filter((known) => [method].flat().includes(known) && !this.isServed(known, url));
      if (methods.length > 0) this.router.on(methods, url, () => undefined);
    });
  }

  of(path: string): HTTPMethod[] {
    return METHODS.filter((method) => this.isServed(method, path));
  }

  private isServed(method: HTTPMethod, path: string): boolean {
    return this.router.find(method, path) !== null;
  }
}
