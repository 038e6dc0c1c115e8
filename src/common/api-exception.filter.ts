import { maxHeaderSize } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Router, { type HTTPMethod } from 'find-my-way';
import { sendError } from './error.answer.js';
import { ApiError, badRequest, methodNotAllowed, notFound, unsupportedMediaType } from './errors.js';
import { describeError } from './operator.error.js';
import { requestFields } from './request.log.js';

/** `maxParamLength` is the limit of all headers: routes decide about long parts of an address. */
export const PATH_RULES = { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: maxHeaderSize };

const METHODS: readonly HTTPMethod[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Tells a wrong method (405) from a wrong path (404); Fastify's router answers 404 to both. It observes the registration of
 * routes, so it is made before.
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

/** Answers every error of a request with `{"detail": …}` or messages by field. */
@Catch()
export class ApiExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger(ApiExceptionFilter.name);

  /** @param onRejected is called for every 4xx */
  constructor(
    private readonly allowedMethods: AllowedMethods,
    private readonly onRejected: (request: FastifyRequest, error: ApiError) => void = () => undefined,
  ) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const error = this.toApiError(exception, request);
    if (reply.sent || reply.raw.headersSent) return;
    if (error === undefined) {
      this.logger.error({ message: 'A request failed', ...requestFields(request), error: describeError(exception) });
      const detail = `Something went wrong on our side. Request id: ${request.id}`;
      sendError(request, reply.code(500), { detail });
      return;
    }
    if (error.status < 500) this.onRejected(request, error);
    if (error.reason !== undefined) this.logger.error({ message: error.reason, ...requestFields(request) });
    sendError(request, reply.code(error.status).headers(error.headers), error.body);
  }

  /** @returns undefined for our own faults, which callers must not see */
  private toApiError(exception: unknown, request: FastifyRequest): ApiError | undefined {
    if (exception instanceof ApiError) return exception;
    const status = exception instanceof HttpException ? exception.getStatus() : clientErrorStatus(exception);
    if (status === undefined || status >= 500) return undefined;
    switch (status) {
      case 404:
        return this.wrongPathOrMethod(request);
      case 415:
        return unsupportedMediaType();
      default:
        return badRequest(messageOf(exception));
    }
  }

  private wrongPathOrMethod(request: FastifyRequest): ApiError {
    const allowed = this.allowedMethods.of(request.url.split('?', 1)[0] ?? '/');
    return allowed.length === 0 ? notFound() : methodNotAllowed(request.method, allowed);
  }
}

/** Fastify and its plugins set `statusCode`. */
function clientErrorStatus(exception: unknown): number | undefined {
  const status = (exception as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}

function messageOf(exception: unknown): string {
  return exception instanceof Error ? exception.message : 'The request cannot be read.';
}
