import { eventsOnce } from './events-once.js';
import type { UserCondition } from './user-condition.js';
import { type PropertyValue, valueEquals } from './value-equals.js';

/** Users whose latest event of a type has a property of this value. Of an event that is stored several times the copy received last counts. */
export function latestProperty(
  tenantId: string,
  { eventType, property, value }: { eventType: string; property: string; value: PropertyValue },
): UserCondition {
  const { table } = eventsOnce('event_type = {eventType: String}', ['received_at', 'payload']);
  const { sql, params } = valueEquals('latest', property, value);
  return {
    sql: `
      SELECT user_id FROM (
        SELECT user_id, argMax(payload, (occurred_at, received_at)) AS latest FROM ${table}
        GROUP BY user_id
      )
      WHERE ${sql}`,
    params: { tenantId, eventType, ...params },
  };
}
