import { maxHeaderSize } from 'node:http';
import compress from '@fastify/compress';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseJsonBodies } from './body.parser.js';
import { answerClientError } from './client-error.js';
import { fitRawBodies } from './raw-body.js';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.js';

/** A request that takes longer to arrive is given up, so that slow senders cannot hold every connection. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How late that may be noticed. */
const LOOK_FOR_SLOW_REQUESTS_EVERY_MS = 1_000;
/** Longer than the 60 s after which common load balancers drop an idle connection, so that we never close it first. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

interface HttpOptions {
  readonly maxBodyBytes: number;
  /** Whose `X-Forwarded-For` is believed: addresses and networks, separated by commas. */
  readonly trustedProxies?: string | undefined;
  readonly requestTimeoutMs?: number;
}

/**
 * The HTTP server as the contract wants it: paths with and without the trailing slash, a request id on every answer,
 * bodies of JSON, compressed or not, whose limit counts what they decompress to.
 */
export async function createHttpAdapter({
  maxBodyBytes,
  trustedProxies,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
}: HttpOptions): Promise<FastifyAdapter> {
  const adapter = new FastifyAdapter({
    http: { headersTimeout: requestTimeoutMs, connectionsCheckingInterval: LOOK_FOR_SLOW_REQUESTS_EVERY_MS },
    trustProxy: trustedProxies?.split(',').map((address) => address.trim()) ?? false,
    bodyLimit: maxBodyBytes,
    requestTimeout: requestTimeoutMs,
    // A request that still arrives on an open connection during the shutdown is one like any other.
    return503OnClosing: false,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    genReqId: requestIdOf,
    // However long a part of the address is, it is the route's to answer. All headers together have at most this.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: maxHeaderSize },
    // A URL that cannot be decoded never reaches a route, nor the filter.
    frameworkErrors: (_error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      void reply.code(400).header(REQUEST_ID_HEADER, request.id).send({ detail: 'The address cannot be decoded.' });
    },
    clientErrorHandler: answerClientError,
  });
  const fastify = adapter.getInstance();
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header(REQUEST_ID_HEADER, request.id);
    // Names of encodings are case-insensitive, and gzip has an older one (RFC 9110, 8.4.1); the plugin knows neither.
    const encoding = request.headers['content-encoding']?.trim().toLowerCase();
    if (encoding !== undefined) request.headers['content-encoding'] = encoding === 'x-gzip' ? 'gzip' : encoding;
    done();
  });
  fitRawBodies(fastify);
  parseJsonBodies(fastify);
  await fastify.register(compress, { globalCompression: false });
  return adapter;
}
