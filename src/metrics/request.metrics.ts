import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Histogram, Registry } from 'prom-client';

/** Seconds. The accept path takes milliseconds; beyond 10 s clients have given up. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** How long answers take, and which they are, by route. */
@Injectable()
export class RequestMetrics {
  private readonly durations: Histogram<'route' | 'method' | 'status'>;

  constructor(registry: Registry) {
    this.durations = new Histogram({
      name: 'segops_http_request_duration_seconds',
      help: 'From the arrival of a request’s headers to the last byte of its answer.',
      labelNames: ['route', 'method', 'status'],
      buckets: BUCKETS,
      registers: [registry],
    });
  }

  /** Takes note of every answer; 1 µs each. Called before the server listens. */
  observe(fastify: FastifyInstance): void {
    fastify.addHook('onResponse', (request, reply, done) => {
      this.durations.observe(labelsOf(request, reply), reply.elapsedTime / 1000);
      done();
    });
  }
}

/** Never the path that was asked for: whoever tries paths would make a series of each. */
function labelsOf({ method, routeOptions }: FastifyRequest, { statusCode }: FastifyReply) {
  const status = `${Math.floor(statusCode / 100)}xx`;
  return routeOptions.url === undefined
    ? { route: 'none', method: 'any', status }
    : { route: routeOptions.url, method, status };
}
