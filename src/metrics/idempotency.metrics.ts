import { Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';

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
