import type { FastifyRequest } from 'fastify';

/** A JSON Web Token in its compact form (RFC 7515, 3.1), in any case of the scheme. */
const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i;

/** The text of the request's bearer token; `undefined` when it carries none, or one that has not the form of a token. */
export function bearerTokenOf({ headers }: FastifyRequest): string | undefined {
  return headers.authorization === undefined ? undefined : BEARER.exec(headers.authorization)?.[1];
}
