import { Injectable } from '@nestjs/common';
import { Counter, Histogram, Registry } from 'prom-client';

const OUTCOMES = ['stored', 'dead_letter', 'redelivered'] as const;

/** What a delivery of a batch came to. `dead_letter`: some of it, at least. `redelivered`: the queue delivers it again. */
export type DeliveryOutcome = (typeof OUTCOMES)[number];

/** Seconds. Tens of milliseconds when all is well; minutes and hours after an outage. */
const LAG_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200];
/** A batch is closed at 5,000 events or 1 MiB, and is larger only when a single request is. */
const EVENT_BUCKETS = [1, 5, 20, 100, 500, 1000, 2500, 5000, 10_000];
const BYTE_BUCKETS = [1, 4, 16, 64, 256, 1024, 4096, 16_384].map((kib) => kib * 1024);

/** What workers did with what the queue delivered. */
@Injectable()
export class BatchMetrics {
  private readonly deliveries: Counter<'outcome'>;
  private readonly stored: Counter;
  private readonly deadLettered: Counter;
  private readonly lag: Histogram;
  private readonly rows: Histogram;
  private readonly bytes: Histogram;

  constructor(registry: Registry) {
    const registers = [registry];
    this.deliveries = new Counter({
      name: 'segops_batches_delivered_total',
      help: 'Batches of all kinds that the queue delivered to this worker, by what became of them.',
      labelNames: ['outcome'],
      registers,
    });
    this.stored = new Counter({
      name: 'segops_events_stored_total',
      help: 'Events that ClickHouse has committed; one delivered twice counts twice, though it is stored once.',
      registers,
    });
    this.deadLettered = new Counter({
      name: 'segops_events_dead_lettered_total',
      help: 'Events that ClickHouse refused for good.',
      registers,
    });
    this.lag = new Histogram({
      name: 'segops_ingestion_lag_seconds',
      help: 'From the acceptance of a batch of events to its commit in ClickHouse, by the clocks of both machines.',
      buckets: LAG_BUCKETS,
      registers,
    });
    this.rows = new Histogram({
      name: 'segops_insert_rows',
      help: 'Events that were stored by one insert.',
      buckets: EVENT_BUCKETS,
      registers,
    });
    this.bytes = new Histogram({
      name: 'segops_insert_bytes',
      help: 'Size of an insert of events, as it was sent.',
      buckets: BYTE_BUCKETS,
      registers,
    });
    for (const outcome of OUTCOMES) this.deliveries.inc({ outcome }, 0);
  }

  delivered(outcome: DeliveryOutcome): void {
    this.deliveries.inc({ outcome });
  }

  /** Events of one batch are stored. @param lagMs since the batch was accepted */
  eventsStored(events: number, lagMs: number): void {
    this.stored.inc(events);
    // The clock of the machine that accepted it may be ahead.
    this.lag.observe(Math.max(0, lagMs) / 1000);
  }

  /** ClickHouse has committed one insert of so many events and bytes. */
  inserted({ events, bytes }: { events: number; bytes: number }): void {
    this.rows.observe(events);
    this.bytes.observe(bytes);
  }

  eventsDeadLettered(events: number): void {
    this.deadLettered.inc(events);
  }
}
