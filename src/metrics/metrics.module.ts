import { Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import { BatchMetrics, InsertMetrics } from './worker.metrics.js';
import { ErrorMetrics, EventMetrics, IdempotencyMetrics, LimiterMetrics, RequestMetrics } from './api.metrics.js';

/**
 * A new metric goes here: a class `<subject>.metrics.ts` that makes its counters and histograms in the given registry and
 * has a method for each thing that happens. Labels have few, fixed values; a tenant is never one, because every value
 * of a label is a series that Prometheus keeps.
 */
const METRICS = [
  BatchMetrics,
  ErrorMetrics,
  EventMetrics,
  IdempotencyMetrics,
  InsertMetrics,
  LimiterMetrics,
  RequestMetrics,
];

/** What is counted, always. Where it can be read is up to the process: the service has `MetricsServerModule`. */
@Module({
  // One registry for each application: prom-client's own is one for the process, in which tests start several of them.
  providers: [{ provide: Registry, useFactory: () => new Registry() }, ...METRICS],
  exports: [Registry, ...METRICS],
})
export class MetricsModule {}
