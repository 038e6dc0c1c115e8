import type { TimeWindow } from './segment-conditions.js';

/** For a statement that asks {@link eventsOnce}: all of its parts see the same rows, also while copies come in and are merged away. */
export const OF_ONE_MOMENT = { enable_shared_storage_snapshot_in_query: 1 } as const;

const OF_VERSION_7 = 'bitAnd(reinterpretAsUInt64(id), 0xF000) = 0x7000';

/**
 * A table of the tenant's events in which each is once: of an event that is stored several times the copy received last, in whatever
 * part or partition. Most rows are passed on as they are. Only ids that more than one row may have are put together: those of two
 * flagged rows, and those of version 7 of one, as its first copy may be without the flag (`superseded-copies.ts`). Half of the id
 * tells which they are; the table's whole key decides what is one event.
 * @param types SQL that is true for the rows of the event types that are asked for, by `event_type` alone
 * @param columns those of the result besides `event_type` and `user_id`
 * @returns SQL to follow FROM, and the parameters of the window; `{tenantId: String}` and those of `types` are the caller's
 */
export function eventsOnce(
  types: string,
  columns: readonly ('occurred_at' | 'received_at' | 'payload')[],
  { since, until }: TimeWindow = {},
): { table: string; params: Record<string, number> } {
  const occurred = [
    ...(since ? ['occurred_at >= fromUnixTimestamp64Milli({since: Int64})'] : []),
    ...(until ? ['occurred_at < fromUnixTimestamp64Milli({until: Int64})'] : []),
  ];
  // What occurred since then was received since then, but for clocks that run ahead: those may do so by a day, and a second day
  // is a margin. Unlike occurred_at, received_at rules out whole partitions and parts, and no later copy of what it keeps.
  const received = since ? ' AND received_at >= fromUnixTimestamp64Milli({since: Int64}) - INTERVAL 2 DAY' : '';
  const of = `tenant_id = {tenantId: String} AND ${types}${received}`;
  const half = 'reinterpretAsUInt64(id)';
  const suspects = `
    SELECT ${half} AS half FROM events WHERE ${of} AND may_have_copies
    GROUP BY half HAVING count() > 1 OR max(${OF_VERSION_7})`;
  const kept = [...new Set(['occurred_at', ...columns])];
  const last = kept.map((column, index) => `last.${index + 1} AS ${column}`);
  const where = occurred.length > 0 ? ` WHERE ${occurred.join(' AND ')}` : '';
  return {
    table: `(
      SELECT event_type, user_id, ${kept.join(', ')} FROM events
      WHERE ${[of, ...occurred].join(' AND ')} AND ${half} NOT IN (${suspects})
      UNION ALL
      SELECT * FROM (
        SELECT event_type, user_id, ${last.join(', ')}
        FROM (
          SELECT event_type, user_id, argMax(tuple(${kept.join(', ')}), received_at) AS last FROM events
          WHERE ${of} AND ${half} IN (${suspects})
          GROUP BY event_type, user_id, id
        )
      )${where}
    )`,
    params: { ...(since && { since: since.getTime() }), ...(until && { until: until.getTime() }) },
  };
}
