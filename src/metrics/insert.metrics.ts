import { Injectable } from '@nestjs/common';
import { Histogram, Registry } from 'prom-client';

/** Seconds, up to the writers' own timeout of 30 s. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** How long ClickHouse takes to commit, or to say that it will not. */
@Injectable()
export class InsertMetrics {
  private readonly durations: Histogram<'table' | 'outcome'>;

  constructor(registry: Registry) {
    this.durations = new Histogram({
      name: 'segops_insert_duration_seconds',
      help: 'Inserts into ClickHouse up to its commit, by table and outcome (ok, failed). Each attempt counts.',
      labelNames: ['table', 'outcome'],
      buckets: BUCKETS,
      registers: [registry],
    });
    for (const table of ['events', 'ingestion_errors']) {
      this.durations.zero({ table, outcome: 'ok' });
      this.durations.zero({ table, outcome: 'failed' });
    }
  }

  /** What a writer of this table tells of each of its inserts. */
  of(table: 'events' | 'ingestion_errors'): (succeeded: boolean, durationMs: number) => void {
    return (succeeded, durationMs) => {
      this.durations.observe({ table, outcome: succeeded ? 'ok' : 'failed' }, durationMs / 1000);
    };
  }
}
