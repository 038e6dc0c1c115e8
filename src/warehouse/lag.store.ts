import type { ClickHouseClient } from '@clickhouse/client';

/** So many events took so long from acceptance to ClickHouse's commit. */
export interface EventLag {
  readonly lagMs: number;
  readonly events: number;
}

/** Keeps how long events were on their way. */
export class LagStore {
  constructor(private readonly client: ClickHouseClient) {}

  /** Dated now, by ClickHouse's clock. @throws Error when ClickHouse does not take it */
  async add(lags: readonly EventLag[]): Promise<void> {
    const values = lags.map(({ lagMs, events }) => ({ lag_ms: lagMs, events }));
    await this.client.insert({ table: 'ingestion_lag', columns: ['lag_ms', 'events'], values, format: 'JSONEachRow' });
  }
}
