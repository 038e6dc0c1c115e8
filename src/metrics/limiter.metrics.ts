import { Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';

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
