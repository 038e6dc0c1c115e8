import type { ClickHouseClient } from '@clickhouse/client';
import { BatchWriter, type InsertObserver } from './batch.writer.js';
import { EVENT_COLUMNS } from './event-row.encoder.js';

const INSERT = `INSERT INTO events (${EVENT_COLUMNS.join(', ')}) FORMAT RowBinary`;

/** Stores batches of events. Their rows come from {@link EventRowEncoder.take}. */
export class EventWriter extends BatchWriter {
  constructor(client: ClickHouseClient, timeoutMs?: number, onInsert?: InsertObserver) {
    super(client, INSERT, timeoutMs, onInsert);
  }
}
