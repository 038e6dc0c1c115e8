import { type TimeWindow, withinWindow } from './time-window.js';
import type { UserCondition } from './user-condition.js';

/** Users with at least `atLeast` events of a type. An event that was delivered twice counts once. */
export function eventCount(
  tenantId: string,
  { eventType, atLeast, ...window }: { eventType: string; atLeast: number } & TimeWindow,
): UserCondition {
  const { sql, params } = withinWindow(window);
  return {
    sql: `
      SELECT user_id FROM events
      WHERE tenant_id = {tenantId: String} AND event_type = {eventType: String}${sql}
      GROUP BY user_id HAVING uniqExact(id) >= {atLeast: UInt64}`,
    params: { tenantId, eventType, atLeast, ...params },
  };
}
