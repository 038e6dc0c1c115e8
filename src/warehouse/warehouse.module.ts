import { ClickHouseClient } from '@clickhouse/client';
import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { Configuration } from '../config/configuration.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { InsertMetrics } from '../metrics/worker.metrics.js';
import { traceInsert } from '../tracing/batch.trace.js';
import type { InsertObserver } from './batch.writer.js';
import { createClickHouseClient, WarehouseCluster } from './clickhouse.client.js';
import { ComplianceStore } from './compliance.store.js';
import { ErrorWriter } from './error.writer.js';
import { EventWriter } from './event.writer.js';
import { LagStore } from './lag.store.js';
import { Migrator } from './migrator.js';
import { Warehouse } from './warehouse.js';

/** Times a writer's inserts into this table, and notes them in the traces of their batches. */
function observeInserts(metrics: InsertMetrics, table: 'events' | 'ingestion_errors'): InsertObserver {
  const time = metrics.of(table);
  return (succeeded, durationMs) => {
    time(succeeded, durationMs);
    traceInsert(table, succeeded, durationMs);
  };
}

/** ClickHouse: its client, its schema, what is written to it and asked of it. The only place with SQL for events. */
@Module({
  imports: [MetricsModule],
  providers: [
    {
      provide: ClickHouseClient,
      inject: [Configuration],
      useFactory: ({ clickhouseUrl, clickhouseCluster, workerConcurrency }: Configuration) =>
        createClickHouseClient(
          clickhouseUrl,
          workerConcurrency,
          WarehouseCluster.from(clickhouseCluster, clickhouseUrl),
        ),
    },
    {
      provide: Migrator,
      inject: [ClickHouseClient, Configuration],
      useFactory: (client: ClickHouseClient, { clickhouseUrl }: Configuration) => new Migrator(client, clickhouseUrl),
    },
    {
      provide: EventWriter,
      inject: [ClickHouseClient, InsertMetrics],
      useFactory: (client: ClickHouseClient, metrics: InsertMetrics) =>
        new EventWriter(client, undefined, observeInserts(metrics, 'events')),
    },
    {
      provide: ErrorWriter,
      inject: [ClickHouseClient, InsertMetrics],
      useFactory: (client: ClickHouseClient, metrics: InsertMetrics) =>
        new ErrorWriter(client, undefined, observeInserts(metrics, 'ingestion_errors')),
    },
    {
      provide: ComplianceStore,
      inject: [ClickHouseClient],
      useFactory: (client: ClickHouseClient) => new ComplianceStore(client),
    },
    { provide: LagStore, inject: [ClickHouseClient], useFactory: (client: ClickHouseClient) => new LagStore(client) },
    {
      provide: Warehouse,
      inject: [Configuration],
      useFactory: ({ clickhouseUrl }: Configuration) => new Warehouse(createClickHouseClient(clickhouseUrl, 0)),
    },
  ],
  exports: [ClickHouseClient, Migrator, EventWriter, ErrorWriter, ComplianceStore, LagStore, Warehouse],
})
export class WarehouseModule implements OnApplicationShutdown {
  constructor(
    private readonly client: ClickHouseClient,
    private readonly warehouse: Warehouse,
  ) {}

  /** The last hook of Nest's shutdown: by now nothing writes any more. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.client.close(), this.warehouse.close()]);
  }
}
