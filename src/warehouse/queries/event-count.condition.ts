import { eventsOnce } from './events-once.js';
import type { TimeWindow } from './time-window.js';
import type { UserCondition } from './user-condition.js';

/** Users with at least `atLeast` events of a type. An event that is stored several times counts once, by its copy received last. */
export function eventCount(
  tenantId: string,
  { eventType, atLeast, ...window }: { eventType: string; atLeast: number } & TimeWindow,
): UserCondition {
  const { table, params } = eventsOnce('event_type = {eventType: String}', [], window);
  return {
    sql: `
      SELECT user_id FROM ${table}
      GROUP BY user_id HAVING count() >= {atLeast: UInt64}`,
    params: { tenantId, eventType, atLeast, ...params },
  };
}
