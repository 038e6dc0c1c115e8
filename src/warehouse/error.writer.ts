import type { ClickHouseClient } from '@clickhouse/client';
import { BatchWriter, type InsertObserver, type RowFormat, type StorableBatch } from './batch.writer.js';
import type { KnownErasures, Subject } from './erasures.js';

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
    const { tenant_id, ts, user_id, source } = JSON.parse(line) as Record<string, string>;
    const subjects = (): Subject[] => [`user ${user_id ?? ''}`, ...(source === 'shopify' ? (['shop'] as const) : [])];
    return erasures.cover(tenant_id ?? '', Number(ts) * 1000, subjects);
  } catch {
    // ClickHouse refuses it.
    return false;
  }
}
