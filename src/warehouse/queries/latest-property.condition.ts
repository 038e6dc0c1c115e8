import type { UserCondition } from './user-condition.js';
import { type PropertyValue, valueEquals } from './value-equals.js';

/** Users whose latest event of a type has a property of this value. */
export function latestProperty(
  tenantId: string,
  { eventType, property, value }: { eventType: string; property: string; value: PropertyValue },
): UserCondition {
  const { sql, params } = valueEquals('latest', property, value);
  return {
    sql: `
      SELECT user_id FROM (
        SELECT user_id, argMax(payload, (occurred_at, received_at)) AS latest FROM events
        WHERE tenant_id = {tenantId: String} AND event_type = {eventType: String}
        GROUP BY user_id
      )
      WHERE ${sql}`,
    params: { tenantId, eventType, ...params },
  };
}
