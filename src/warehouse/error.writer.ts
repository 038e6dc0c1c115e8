import type { ClickHouseClient } from '@clickhouse/client';
import { uuid7Time } from '../common/uuid7.js';
import { BatchWriter, type InsertObserver, type RowFormat, type StorableBatch } from './batch.writer.js';
import type { KnownErasures, Subject } from './erasures.js';

/** One recorded error as the warehouse stores it. Texts are well-formed Unicode; an empty one means: not known. */
export interface ErrorRow {
  /** The tenant's slug. */
  readonly tenantId: string;
  /** UUID in its text form, unique within the tenant. */
  readonly id: string;
  /** When it happened, by the clock of the process that saw it: milliseconds since 1970. */
  readonly ts: number;
  readonly errorType: string;
  /** The part of the service that saw it. */
  readonly source: string;
  /** What was wrong, for people. */
  readonly detail: string;
  readonly eventType: string;
  readonly userId: string;
  readonly requestId: string;
}

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

const ERRORS: RowFormat = {
  table: 'ingestion_errors',
  format: 'JSONEachRow',
  columns: [
    ['tenant_id', 'String'],
    ['id', 'UUID'],
    ['ts', 'DateTime64(3)'],
    ['error_type', 'String'],
    ['source', 'String'],
    ['detail', 'String'],
    ['event_type', 'String'],
    ['user_id', 'String'],
    ['request_id', 'String'],
  ],
  without: withoutErasedErrors,
};

/** Stores batches of recorded errors. Their rows are lines of {@link encodeErrorRow}, one after the other. */
export class ErrorWriter extends BatchWriter {
  constructor(client: ClickHouseClient, timeoutMs?: number, onInsert?: InsertObserver) {
    super(client, ERRORS, timeoutMs, onInsert);
  }

  /**
   * Resolves when ClickHouse has committed the rows. Storing a batch of the same id again leaves one copy.
   * @throws BatchRefusedError when the rows can never be stored; any other error means: try again later
   */
  async store(batch: StorableBatch): Promise<void> {
    await this.insertKept(batch);
  }
}

function withoutErasedErrors(erasures: KnownErasures, rows: Uint8Array): Uint8Array {
  if (erasures.newest === 0) return rows;
  const lines = Buffer.from(rows)
    .toString()
    .split(/(?<=\n)/);
  const kept = lines.filter((line) => !isErased(erasures, line));
  return kept.length === lines.length ? rows : Buffer.from(kept.join(''));
}

function isErased(erasures: KnownErasures, line: string): boolean {
  try {
    const { tenant_id, id, ts, error_type, user_id, source } = JSON.parse(line) as Record<string, string>;
    const subjects = (): Subject[] => [`user ${user_id ?? ''}`, ...(source === 'shopify' ? (['shop'] as const) : [])];
    // A dead letter may be told of long after its event was accepted; its id says when that was.
    const acceptedAt = error_type === 'dead_letter' ? uuid7Time(id ?? '') : Number(ts) * 1000;
    return erasures.cover(tenant_id ?? '', acceptedAt, subjects);
  } catch {
    // ClickHouse refuses it.
    return false;
  }
}
