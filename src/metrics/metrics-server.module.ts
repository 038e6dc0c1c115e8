import { Module } from '@nestjs/common';
import { TransportModule } from '../transport/transport.module.js';
import { MetricsModule } from './metrics.module.js';
import { MetricsServer } from './metrics.server.js';
import { QueueMetrics, SpoolMetrics } from './queue.metrics.js';

/** Serves what the process counts, and what the queue says at that moment, where `METRICS_PORT` says. */
@Module({
  imports: [MetricsModule, TransportModule],
  providers: [QueueMetrics, SpoolMetrics, MetricsServer],
  exports: [MetricsServer],
})
export class MetricsServerModule {}
