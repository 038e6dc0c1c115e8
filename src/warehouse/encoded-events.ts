import { EventRowReader } from './event-row.reader.js';

/** One row of {@link EventRowEncoder}, and what of it tells whose event it is. */
export interface EncodedEvent {
  readonly tenantId: string;
  readonly eventType: string;
  readonly userId: string;
  /** A view of the row, not a copy. */
  readonly row: Uint8Array;
}

/** The events in rows that {@link EventRowEncoder} wrote, in their order; undefined when these bytes are not rows to the last one. */
export function encodedEvents(rows: Uint8Array): EncodedEvent[] | undefined {
  const events: EncodedEvent[] = [];
  const reader = new EventRowReader(rows);
  while (!reader.isAtEnd) {
    const start = reader.offset;
    const tenantId = reader.readTenant();
    const eventType = reader.readString();
    const userId = reader.readString();
    reader.skipRestOfRow();
    if (tenantId === undefined || eventType === undefined || userId === undefined || reader.offset > rows.length) {
      return undefined;
    }
    events.push({ tenantId, eventType, userId, row: rows.subarray(start, reader.offset) });
  }
  return events;
}
