import { Module } from '@nestjs/common';
import { TransportModule } from '../transport/transport.module.js';
import { MetricsModule } from './metrics.module.js';
import { MetricsServer } from './metrics.server.js';
import { QueueMetrics, SpoolMetrics } from './queue.metrics.js';

/** Serves the metrics of the process and the current state of the queue on `METRICS_PORT`. */
@Module({
  imports: [MetricsModule, TransportModule],
  providers: [QueueMetrics, SpoolMetrics, MetricsServer],
  exports: [MetricsServer],
})
export class MetricsServerModule {}
