import { eventsOnce } from './events-once.js';
import type { UserCondition } from './user-condition.js';

/**
 * Users by when their latest event of a type occurred: at or after `since` (`active`), or before it (`lapsed`). Users who
 * never had one are in neither. Of an event that is stored several times the copy received last counts.
 */
export function recency(
  tenantId: string,
  { eventType, since, state }: { eventType: string; since: Date; state: 'active' | 'lapsed' },
): UserCondition {
  const comparison = state === 'active' ? '>=' : '<';
  const { table } = eventsOnce('event_type = {eventType: String}', []);
  return {
    sql: `
      SELECT user_id FROM ${table}
      GROUP BY user_id HAVING max(occurred_at) ${comparison} fromUnixTimestamp64Milli({since: Int64})`,
    params: { tenantId, eventType, since: since.getTime() },
  };
}
