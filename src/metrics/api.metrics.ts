import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Counter, Histogram, Registry } from 'prom-client';

const ROUTES = ['track', 'batch', 'shopify'] as const;
const OUTCOMES = ['accepted', 'repeated', 'skipped', 'over_limit', 'unavailable'] as const;

/** Where events come in. */
export type EventRoute = (typeof ROUTES)[number];

/**
 * `accepted`: on disk; `repeated`: on disk too, of a request that was recognised as a retry; `skipped`: not valid; `over_limit`:
 * beyond the plan's month; `unavailable`: answered 5xx.
 */
export type EventOutcome = (typeof OUTCOMES)[number];

@Injectable()
export class EventMetrics {
  private readonly events: Counter<'route' | 'outcome'>;

  constructor(registry: Registry) {
    this.events = new Counter({
      name: 'segops_events_received_total',
      help: 'Events that came in and could be read, by route and what became of them; accepted ones are on disk.',
      labelNames: ['route', 'outcome'],
      registers: [registry],
    });
    // A series that starts at 0 shows its first increase; so do the other counters here.
    for (const route of ROUTES) {
      for (const outcome of OUTCOMES) this.events.inc({ route, outcome }, 0);
    }
  }

  received(route: EventRoute, outcome: EventOutcome, count: number): void {
    this.events.inc({ route, outcome }, count);
  }
}

/** Errors of tenants' events, recorded or only counted. */
@Injectable()
export class ErrorMetrics {
  private readonly kept: Counter;
  private readonly unkept: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.kept = new Counter({
      name: 'segops_errors_recorded_total',
      help: 'Errors that were recorded each for itself.',
      registers,
    });
    this.unkept = new Counter({
      name: 'segops_errors_suppressed_total',
      help: 'Errors of which only their number is recorded: a tenant had too many in a minute, or the queue was away too long.',
      registers,
    });
  }

  recorded(): void {
    this.kept.inc();
  }

  suppressed(count: number): void {
    this.unkept.inc(count);
  }
}

const BOUNDS = ['session', 'key', 'tenant'] as const;

/** Answers and deliveries that were not remembered. */
@Injectable()
export class IdempotencyMetrics {
  private readonly unremembered: Counter<'bound'>;

  constructor(registry: Registry) {
    this.unremembered = new Counter({
      name: 'segops_unremembered_answers_total',
      help: 'Answers to requests with an Idempotency-Key, and deliveries of Shopify, that were not remembered because a session, a key or a tenant has had as many remembered as it may.',
      labelNames: ['bound'],
      registers: [registry],
    });
    for (const bound of BOUNDS) this.unremembered.inc({ bound }, 0);
  }

  notRemembered(bound: (typeof BOUNDS)[number]): void {
    this.unremembered.inc({ bound });
  }
}

const LIMITERS = ['calls', 'events', 'login'] as const;

export type Limiter = (typeof LIMITERS)[number];

/** Requests beyond a limit, and requests that a limiter could not count. */
@Injectable()
export class LimiterMetrics {
  private readonly failures: Counter<'limiter'>;
  private readonly refusals: Counter<'limiter'>;

  constructor(registry: Registry) {
    const shared = { labelNames: ['limiter'] as const, registers: [registry] };
    this.failures = new Counter({
      name: 'segops_limiter_failures_total',
      help: 'Requests that a limit did not see, or saw only for this instance, because Redis did not answer.',
      ...shared,
    });
    this.refusals = new Counter({
      name: 'segops_limited_requests_total',
      help: 'Requests that were answered 429.',
      ...shared,
    });
    for (const limiter of LIMITERS) {
      this.failures.inc({ limiter }, 0);
      this.refusals.inc({ limiter }, 0);
    }
  }

  /** A request was not counted, or by this instance alone. */
  failed(limiter: Limiter): void {
    this.failures.inc({ limiter });
  }

  limited(limiter: Limiter): void {
    this.refusals.inc({ limiter });
  }
}

/** Seconds. The accept path takes milliseconds; after 10 s clients have given up. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** The durations and statuses of answers, by route. */
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

  /** Observes every answer, 1 µs each. Called before the server listens. */
  observe(fastify: FastifyInstance): void {
    fastify.addHook('onResponse', (request, reply, done) => {
      this.durations.observe(labelsOf(request, reply), reply.elapsedTime / 1000);
      done();
    });
  }
}

/** Never the path that was asked for: scanners would make a series of each. */
function labelsOf({ method, routeOptions }: FastifyRequest, { statusCode }: FastifyReply) {
  const status = `${Math.floor(statusCode / 100)}xx`;
  return routeOptions.url === undefined
    ? { route: 'none', method: 'any', status }
    : { route: routeOptions.url, method, status };
}
