import { EventRowReader } from './event-row.reader.js';

/**
 * How many events each tenant has in rows that {@link EventRowEncoder} wrote. Made for rows that ClickHouse refused: reads
 * as far as they make sense, and counts a row as soon as it has named its tenant.
 */
export function eventsByTenant(rows: Uint8Array): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const reader = new EventRowReader(rows);
  while (!reader.isAtEnd) {
    const tenantId = reader.readTenant();
    if (tenantId === undefined) {
      break;
    }
    counts.set(tenantId, (counts.get(tenantId) ?? 0) + 1);
    reader.skipStrings(2); // event_type, user_id
    reader.skipRestOfRow();
  }
  return counts;
}
