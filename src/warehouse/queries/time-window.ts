/** Which events count, by when they occurred: from `since` to before `until`, each optional. */
export interface TimeWindow {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

/** SQL that follows a WHERE clause on `events`, and its parameters. */
export function withinWindow({ since, until }: TimeWindow): { sql: string; params: Record<string, number> } {
  const conditions: string[] = [];
  const params: Record<string, number> = {};
  if (since) {
    params['since'] = since.getTime();
    // What occurred since then was received since then, but for clocks that run ahead: those may do so by a day, and
    // a second day is a margin. Unlike occurred_at, received_at rules out whole partitions and parts.
    conditions.push(
      'occurred_at >= fromUnixTimestamp64Milli({since: Int64})',
      'received_at >= fromUnixTimestamp64Milli({since: Int64}) - INTERVAL 2 DAY',
    );
  }
  if (until) {
    params['until'] = until.getTime();
    conditions.push('occurred_at < fromUnixTimestamp64Milli({until: Int64})');
  }
  return { sql: conditions.map((condition) => ` AND ${condition}`).join(''), params };
}
