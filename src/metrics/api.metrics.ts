import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Counter, Histogram, Registry } from 'prom-client';

const ROUTES = ['track', 'batch', 'shopify'] as const;
const OUTCOMES = ['accepted', 'repeated', 'skipped', 'over_limit', 'unavailable'] as const;

/** Where events come in. */
export type EventRoute = (typeof ROUTES)[number];

/**
 * `accepted`: on disk; `repeated`: a retry of what was on disk already; `skipped`: not valid; `over_limit`: more than the plan's month has; `unavailable`: answered
 * 5xx.
 */
export type EventOutcome = (typeof OUTCOMES)[number];

/** What became of events that came in. */
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
    // A series that starts at 0 shows its first increase; one that starts at 1 has none.
    for (const route of ROUTES) {
      for (const outcome of OUTCOMES) this.events.inc({ route, outcome }, 0);
    }
  }

  received(route: EventRoute, outcome: EventOutcome, count: number): void {
    this.events.inc({ route, outcome }, count);
  }
}

/** How many of the errors that tenants' events met are kept for their operators to read. */
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

/** What is not remembered of answered requests and deliveries. */
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
    // A series that starts at 0 shows its first increase; one that starts at 1 has none.
    for (const bound of BOUNDS) this.unremembered.inc({ bound }, 0);
  }

  notRemembered(bound: (typeof BOUNDS)[number]): void {
    this.unremembered.inc({ bound });
  }
}

const LIMITERS = ['calls', 'events', 'login'] as const;

export type Limiter = (typeof LIMITERS)[number];

/** What limits did: whom they stopped, and whom they let pass because they could not tell. */
@Injectable()
export class LimiterMetrics {
  private readonly failures: Counter<'limiter'>;
  private readonly refusals: Counter<'limiter'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.failures = new Counter({
      name: 'segops_limiter_failures_total',
      help: 'Requests that a limit did not see, or saw only for this instance, because Redis did not answer.',
      labelNames: ['limiter'],
      registers,
    });
    this.refusals = new Counter({
      name: 'segops_limited_requests_total',
      help: 'Requests that were answered 429.',
      labelNames: ['limiter'],
      registers,
    });
    // A series that starts at 0 shows its first increase; one that starts at 1 has none.
    for (const limiter of LIMITERS) {
      this.failures.inc({ limiter }, 0);
      this.refusals.inc({ limiter }, 0);
    }
  }

  /** A request went past the limit unseen, or was counted by this instance alone. */
  failed(limiter: Limiter): void {
    this.failures.inc({ limiter });
  }

  /** A request was answered 429. */
  limited(limiter: Limiter): void {
    this.refusals.inc({ limiter });
  }
}

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
