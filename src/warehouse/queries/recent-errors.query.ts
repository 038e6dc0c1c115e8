import type { ClickHouseClient } from '@clickhouse/client';
import type { ErrorRow } from '../error.writer.js';

/** The tenant's latest errors, newest first, at most `limit`. */
export async function recentErrors(
  client: ClickHouseClient,
  tenantId: string,
  limit: number,
  signal?: AbortSignal,
): Promise<ErrorRow[]> {
  const result = await client.query({
    // The tenant, though it is one, is part of the order, so that this is the table's whole key and is read backwards by it:
    // of 10 million rows in 120 parts, 107 instead of 155 ms for a large tenant, 55 instead of 152 for a small one.
    query: `
      SELECT
        tenant_id AS tenantId, toString(id) AS id, toFloat64(toUnixTimestamp64Milli(ingestion_errors.ts)) AS ts,
        error_type AS errorType, source, detail, event_type AS eventType, user_id AS userId, request_id AS requestId
      FROM ingestion_errors
      WHERE tenant_id = {tenantId: String}
      ORDER BY tenant_id DESC, ingestion_errors.ts DESC, ingestion_errors.id DESC
      LIMIT {limit: UInt32}`,
    query_params: { tenantId, limit },
    format: 'JSONEachRow',
    ...(signal && { abort_signal: signal }),
    // Nobody waits for the answer to a request that was given up.
    clickhouse_settings: { cancel_http_readonly_queries_on_client_close: 1 },
  });
  return result.json<ErrorRow>();
}
