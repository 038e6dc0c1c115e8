import type { IncomingMessage, ServerResponse } from 'node:http';
import { Logger, NotFoundException } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PATH_RULES } from './api-exception.filter.js';
import { parseJsonBodies } from './body.parser.js';
import { answerClientError, CONTINUE, sendError } from './error.answer.js';
import { badRequest, expectationFailed } from './errors.js';
import { REQUEST_ID_HEADER, requestIdOf } from './request.log.js';

/** For a request to arrive, so that slow senders do not hold every connection. */
const REQUEST_TIMEOUT_MS = 30_000;
const LOOK_FOR_SLOW_REQUESTS_EVERY_MS = 1_000;
/** Longer than the 60 s of common load balancers, so that we never close an idle connection first. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

interface HttpOptions {
  readonly maxBodyBytes: number;
  /** Proxies whose `X-Forwarded-For` is used: addresses and networks, separated by commas. */
  readonly trustedProxies?: string | undefined;
  readonly requestTimeoutMs?: number;
}

/**
 * The HTTP server of the contract: paths with and without the trailing slash, a request id on every answer, JSON bodies,
 * compressed or not, with a limit on their decompressed size.
 */
export function createHttpAdapter({
  maxBodyBytes,
  trustedProxies,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
}: HttpOptions): FastifyAdapter {
  const adapter = new FastifyAdapter({
    http: {
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: LOOK_FOR_SLOW_REQUESTS_EVERY_MS,
      // Node's own refusal has no body and no request id.
      requireHostHeader: false,
    },
    trustProxy: trustedProxies?.split(',').map((address) => address.trim()) ?? false,
    requestTimeout: requestTimeoutMs,
    // Requests on open connections are served during the shutdown.
    return503OnClosing: false,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    genReqId: requestIdOf,
    routerOptions: PATH_RULES,
    // A URL that cannot be decoded reaches neither a route nor the filter.
    frameworkErrors: (_error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      sendError(request, reply.code(400), { detail: 'The address cannot be decoded.' });
    },
    clientErrorHandler: answerClientError,
  });
  const fastify = adapter.getInstance();
  let mayBeBehindProxy = trustedProxies === undefined;
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header(REQUEST_ID_HEADER, request.id);
    if (mayBeBehindProxy && request.headers['x-forwarded-for'] !== undefined) {
      mayBeBehindProxy = false;
      new Logger('Http').warn(
        'Requests come with X-Forwarded-For, and no proxy is trusted: all clients behind one count as one address, for logins and for what public keys may send. Name your proxies in TRUSTED_PROXIES, or have them remove the header.',
      );
    }
    const { host, expect } = request.headers;
    if (host === undefined && request.raw.httpVersion === '1.1') done(badRequest('Send the header Host.'));
    else if (expect !== undefined && !CONTINUE.test(expect)) done(expectationFailed());
    else done();
  });
  // Before the body is read.
  fastify.addHook('preParsing', (request, _reply, _payload, done) => {
    done(request.is404 ? new NotFoundException() : null);
  });
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    fastify.server.emit('request', request, response);
  };
  fastify.server.on('checkExpectation', serve);
  fastify.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // Only when the body is read: rejected clients need not send it.
    request.once('resume', () => {
      if (!response.headersSent) response.writeContinue();
    });
    serve(request, response);
  });
  parseJsonBodies(fastify, maxBodyBytes);
  return adapter;
}
