import { Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import { BatchMetrics, InsertMetrics } from './worker.metrics.js';
import { ErrorMetrics, EventMetrics, IdempotencyMetrics, LimiterMetrics, RequestMetrics } from './api.metrics.js';

/**
 * A new metric is a method of one of these classes, or a class of its own that makes its counters in the given registry. Labels
 * have few, fixed values and never name a tenant: Prometheus keeps a series of each value.
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

/** All metrics of the process, which `MetricsServerModule` serves. */
@Module({
  // Not prom-client's own registry, which all applications of a process share: tests start several.
  providers: [{ provide: Registry, useFactory: () => new Registry() }, ...METRICS],
  exports: [Registry, ...METRICS],
})
export class MetricsModule {}
