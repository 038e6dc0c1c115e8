import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { forbidden } from '../common/errors.js';
import { refusalOfOrigin } from './origin.policy.js';

/** Stops requests from origins that their public key does not list. Comes after the guard that finds out who calls. */
@Injectable()
export class OriginGuard implements CanActivate {
  /** @throws ApiError 403, which pages of that origin cannot read */
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') {
      return true;
    }
    const http = context.switchToHttp();
    const { principal, headers } = http.getRequest<FastifyRequest>();
    const refusal = principal === undefined ? undefined : refusalOfOrigin(principal, headers.origin);
    if (refusal === undefined) {
      return true;
    }
    // Another key may admit the origin, and before this one was known that was enough for CORS.
    const reply = http.getResponse<FastifyReply>();
    reply.removeHeader('access-control-allow-origin');
    reply.removeHeader('access-control-expose-headers');
    throw forbidden(refusal);
  }
}
