import type { ErrorRow } from './error-row.js';

/**
 * One row of `ingestion_errors` in ClickHouse's JSONEachRow format, as {@link ErrorWriter} stores it: a line with its end.
 * Errors are few, so that a format which people can read in the queue costs nothing that counts.
 */
export function encodeErrorRow(row: ErrorRow): string {
  return `${JSON.stringify({
    tenant_id: row.tenantId,
    id: row.id,
    // Seconds with a fraction: the one way to write a time that ClickHouse reads alike under every setting.
    ts: (row.ts / 1000).toFixed(3),
    error_type: row.errorType,
    source: row.source,
    detail: row.detail,
    event_type: row.eventType,
    user_id: row.userId,
    request_id: row.requestId,
  })}\n`;
}
