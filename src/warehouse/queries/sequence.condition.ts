import { eventsOnce } from './events-once.js';
import type { UserCondition } from './user-condition.js';

const MS_PER_DAY = 86_400_000;

/**
 * Users who had an event of type `first` and then one of type `then`, at most `withinDays` days later. The types differ:
 * "twice the same" is an event count of 2. Of an event that is stored several times the copy received last counts.
 * @throws RangeError when they do not
 */
export function sequence(
  tenantId: string,
  { first, then, withinDays }: { first: string; then: string; withinDays: number },
): UserCondition {
  if (first === then) {
    throw new RangeError('A sequence needs two different event types. Use an event count of at least 2 instead.');
  }
  const { table } = eventsOnce('event_type IN ({first: String}, {then: String})', []);
  return {
    sql: `
      SELECT user_id FROM ${table}
      GROUP BY user_id
      HAVING windowFunnel({windowMs: UInt64})(
        toUInt64(toUnixTimestamp64Milli(occurred_at)), event_type = {first: String}, event_type = {then: String}
      ) = 2`,
    params: { tenantId, first, then, windowMs: Math.round(withinDays * MS_PER_DAY) },
  };
}
