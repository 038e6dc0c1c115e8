import type { ClickHouseClient } from '@clickhouse/client';
import { BatchWriter, type InsertObserver, type RowFormat, type StorableBatch } from './batch.writer.js';
import { type KnownErasures, SHOPIFY_EVENT_ID_PREFIX, type Subject } from './erasures.js';
import { EVENT_COLUMNS } from './event-row.encoder.js';
import { EventRowReader } from './event-row.reader.js';

const TYPES: Readonly<Record<string, string>> = {
  id: 'UUID',
  occurred_at: 'DateTime64(3)',
  received_at: 'DateTime64(6)',
};

/** Ids of version 8 are made from what a caller chose, who may use it again; others are fresh unless the insert says otherwise. */
const MAY_HAVE_COPIES = 'if(bitAnd(reinterpretAsUInt64(id), 0xF000) = 0x7000, {mayHaveCopies: UInt8}, 1)';

const EVENTS: RowFormat = {
  table: 'events',
  format: 'RowBinary',
  columns: EVENT_COLUMNS.map((column) => [column, TYPES[column] ?? 'String']),
  computed: [['may_have_copies', MAY_HAVE_COPIES]],
  without: withoutErasedEvents,
};

/** Stores batches of events. Their rows come from {@link EventRowEncoder.take}. */
export class EventWriter extends BatchWriter {
  constructor(client: ClickHouseClient, timeoutMs?: number, onInsert?: InsertObserver) {
    super(client, EVENTS, timeoutMs, onInsert);
  }

  /**
   * Resolves when ClickHouse has committed the rows. Storing a batch of the same id again leaves one copy.
   * @param mayHaveCopies false only when none of the rows can be stored already, and none of them can be on its way a second time
   * @throws BatchRefusedError when the rows can never be stored; any other error means: try again later
   */
  async store(batch: StorableBatch, { mayHaveCopies } = { mayHaveCopies: true }): Promise<void> {
    await this.insertKept(batch, { mayHaveCopies: mayHaveCopies ? 1 : 0 });
  }
}

/** Of rows that came in after all erasures, which are nearly all, only lengths and times are read. */
function withoutErasedEvents(erasures: KnownErasures, rows: Uint8Array): Uint8Array {
  if (erasures.newest === 0) return rows;
  const kept: Uint8Array[] = [];
  let keptTo = 0;
  const reader = new EventRowReader(rows);
  while (!reader.isAtEnd) {
    const start = reader.offset;
    reader.skipStrings(3); // tenant_id, event_type, user_id
    const receivedAt = reader.skipIdAndTimes();
    reader.skipStrings(3); // anonymous_id, event_id, payload
    if (receivedAt < erasures.newest && isErased(erasures, receivedAt, rows.subarray(start, reader.offset))) {
      kept.push(rows.subarray(keptTo, start));
      keptTo = reader.offset;
    }
  }
  return keptTo === 0 ? rows : Buffer.concat([...kept, rows.subarray(keptTo)]);
}

function isErased(erasures: KnownErasures, receivedAt: number, row: Uint8Array): boolean {
  const reader = new EventRowReader(row);
  const tenantId = reader.readString() ?? '';
  return erasures.cover(tenantId, receivedAt, () => {
    reader.skipStrings(1); // event_type
    const userId = reader.readString() ?? '';
    reader.skipIdAndTimes();
    reader.skipStrings(1); // anonymous_id
    const isFromShop = reader.readString()?.startsWith(SHOPIFY_EVENT_ID_PREFIX) === true;
    return [`user ${userId}`, ...(isFromShop ? ofShop(reader.readString() ?? '') : [])];
  });
}

function ofShop(payload: string): Subject[] {
  // As text, since an id that a schema made a number may have more digits than numbers have in JavaScript.
  const orderId = /"order_id":\s*"?([^"\s,}]+)/.exec(payload)?.[1];
  return ['shop', ...(orderId === undefined ? [] : [`order ${orderId}` as const])];
}
