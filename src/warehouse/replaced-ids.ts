import { readUuid, writeUuid } from './encoded-uuid.js';
import { EventRowReader } from './event-row.reader.js';

/**
 * Gives the events that have no `event_id` other ids, in place.
 * @param rows of {@link EventRowEncoder}, whole ones
 */
export function replaceIds(rows: Uint8Array, replacement: (id: Uint8Array) => Uint8Array): void {
  const reader = new EventRowReader(rows);
  while (!reader.isAtEnd) {
    reader.skipStrings(3); // tenant_id, event_type, user_id
    const idAt = reader.offset;
    reader.skipIdAndTimes();
    reader.skipStrings(1); // anonymous_id
    const eventId = reader.readString();
    reader.skipStrings(1); // payload
    if (eventId === '') writeUuid(rows, idAt, replacement(readUuid(rows, idAt)));
  }
}
