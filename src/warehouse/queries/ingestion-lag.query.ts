import type { ClickHouseClient } from '@clickhouse/client';

/** How long events were on their way, from acceptance to commit: half, 19 of 20 and 99 of 100 of them no longer than this. */
export interface IngestionLag {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

interface ResultRow {
  readonly total: number;
  readonly quantiles: readonly [number, number, number];
}

/** Of all events that were stored within the last hour, whose ever they are; undefined when there are none. */
export async function ingestionLag(client: ClickHouseClient, signal?: AbortSignal): Promise<IngestionLag | undefined> {
  const result = await client.query({
    query: `
      SELECT sum(events) AS total, quantilesExactWeighted(0.5, 0.95, 0.99)(lag_ms, events) AS quantiles
      FROM ingestion_lag
      WHERE at >= now() - INTERVAL 1 HOUR`,
    format: 'JSONEachRow',
    ...(signal && { abort_signal: signal }),
    clickhouse_settings: {
      output_format_json_quote_64bit_integers: 0,
      cancel_http_readonly_queries_on_client_close: 1,
    },
  });
  const [row] = await result.json<ResultRow>();
  if (row === undefined || row.total === 0) {
    return undefined;
  }
  const [p50Ms, p95Ms, p99Ms] = row.quantiles;
  return { p50Ms, p95Ms, p99Ms };
}
