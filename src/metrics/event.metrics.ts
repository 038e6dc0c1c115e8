import { Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';

const ROUTES = ['track', 'batch', 'shopify'] as const;
const OUTCOMES = ['accepted', 'repeated', 'skipped', 'over_limit', 'unavailable'] as const;

/** Where events come in. */
export type EventRoute = (typeof ROUTES)[number];

/**
 * `accepted`: on disk; `repeated`: the same, of a request that was recognised as a retry; `skipped`: not valid; `over_limit`: more than the plan's month has; `unavailable`: answered
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
