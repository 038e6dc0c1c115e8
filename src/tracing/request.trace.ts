import { context, propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { tracer } from './tracer.js';

/** Makes each request a span, within the caller's trace when it sends a `traceparent`. */
export function traceRequests(fastify: FastifyInstance): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { method, routeOptions, headers } = request;
    const route = routeOptions.url;
    const caller = propagation.extract(ROOT_CONTEXT, headers);
    const attributes = { 'http.request.method': method, ...(route === undefined ? {} : { 'http.route': route }) };
    const name = route === undefined ? method : `${method} ${route}`;
    spans.set(request, tracer().startSpan(name, { kind: SpanKind.SERVER, attributes }, caller));
    done();
  });
  // Not earlier: what was entered before the body is read is lost while it is.
  fastify.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request);
    context.with(span === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, span), done);
  });
  fastify.addHook('onResponse', (request, { statusCode }, done) => {
    const span = spans.get(request);
    span?.setAttribute('http.response.status_code', statusCode).setAttribute('segops.request.id', request.id);
    if (request.principal !== undefined) span?.setAttribute('segops.tenant.id', request.principal.tenantId);
    if (statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    done();
  });
}
