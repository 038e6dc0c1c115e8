import type { InsertMetrics } from '../metrics/worker.metrics.js';
import { traceInsert } from '../tracing/batch.trace.js';
import type { InsertObserver } from './batch.writer.js';

/** Times a writer's inserts into this table, and notes them in the traces of their batches. */
export function observeInserts(metrics: InsertMetrics, table: 'events' | 'ingestion_errors'): InsertObserver {
  const time = metrics.of(table);
  return (succeeded, durationMs) => {
    time(succeeded, durationMs);
    traceInsert(table, succeeded, durationMs);
  };
}
