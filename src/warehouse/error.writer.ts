import type { ClickHouseClient } from '@clickhouse/client';
import { BatchWriter, type InsertObserver } from './batch.writer.js';

const INSERT = 'INSERT INTO ingestion_errors FORMAT JSONEachRow';

/** Stores batches of recorded errors. Their rows are lines of {@link encodeErrorRow}, one after the other. */
export class ErrorWriter extends BatchWriter {
  constructor(client: ClickHouseClient, timeoutMs?: number, onInsert?: InsertObserver) {
    super(client, INSERT, timeoutMs, onInsert);
  }
}
