import { Injectable } from '@nestjs/common';
import { Counter, Histogram, Registry } from 'prom-client';

const OUTCOMES = ['stored', 'dead_letter', 'redelivered'] as const;

/** The outcome of a delivery of a batch. `dead_letter`: of some of its events, at least. `redelivered`: the queue delivers it again. */
export type DeliveryOutcome = (typeof OUTCOMES)[number];

/** Seconds. Tens of milliseconds usually; minutes and hours after an outage. */
const LAG_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200];
/** A batch is closed at 5,000 events or 1 MiB, and is larger only when a single request is. */
const EVENT_BUCKETS = [1, 5, 20, 100, 500, 1000, 2500, 5000, 10_000];
const BYTE_BUCKETS = [1, 4, 16, 64, 256, 1024, 4096, 16_384].map((kib) => kib * 1024);
/** Seconds, up to the writers' timeout of 30 s. */
const INSERT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The batches that the queue delivered to this worker. */
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
    const counter = (name: string, help: string) => new Counter({ name, help, registers });
    const histogram = (name: string, help: string, buckets: number[]) =>
      new Histogram({ name, help, buckets, registers });
    this.deliveries = new Counter({
      name: 'segops_batches_delivered_total',
      help: 'Batches of all kinds that the queue delivered to this worker, by what became of them.',
      labelNames: ['outcome'],
      registers,
    });
    this.stored = counter(
      'segops_events_stored_total',
      'Events that ClickHouse has committed; one delivered twice counts twice, though it is stored once.',
    );
    this.deadLettered = counter('segops_events_dead_lettered_total', 'Events that ClickHouse refused for good.');
    this.lag = histogram(
      'segops_ingestion_lag_seconds',
      'From the acceptance of a batch of events to its commit in ClickHouse, by the clocks of both machines.',
      LAG_BUCKETS,
    );
    this.rows = histogram('segops_insert_rows', 'Events that were stored by one insert.', EVENT_BUCKETS);
    this.bytes = histogram('segops_insert_bytes', 'Size of an insert of events, as it was sent.', BYTE_BUCKETS);
    for (const outcome of OUTCOMES) this.deliveries.inc({ outcome }, 0);
  }

  delivered(outcome: DeliveryOutcome): void {
    this.deliveries.inc({ outcome });
  }

  /** Events of one batch are stored. @param lagMs since the acceptance of the batch */
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

/** How long inserts take, up to ClickHouse's commit or rejection. */
@Injectable()
export class InsertMetrics {
  private readonly durations: Histogram<'table' | 'outcome'>;

  constructor(registry: Registry) {
    this.durations = new Histogram({
      name: 'segops_insert_duration_seconds',
      help: 'Inserts into ClickHouse up to its commit, by table and outcome (ok, failed). Each attempt counts.',
      labelNames: ['table', 'outcome'],
      buckets: INSERT_BUCKETS,
      registers: [registry],
    });
    for (const table of ['events', 'ingestion_errors']) {
      this.durations.zero({ table, outcome: 'ok' });
      this.durations.zero({ table, outcome: 'failed' });
    }
  }

  /** For the writer of a table, which calls it after each of its inserts. */
  of(table: 'events' | 'ingestion_errors'): (succeeded: boolean, durationMs: number) => void {
    return (succeeded, durationMs) => {
      this.durations.observe({ table, outcome: succeeded ? 'ok' : 'failed' }, durationMs / 1000);
    };
  }
}
