import { eventsOnce } from './events-once.js';
import { payloadValue } from './payload-value.js';
import type { TimeWindow } from './time-window.js';
import type { UserCondition } from './user-condition.js';

/**
 * Users whose events of a type have a property with a sum, or an average, of at least `atLeast`. Numbers sent as text
 * count; events without the property do not. Of an event that is stored several times the copy received last counts.
 */
export function numericProperty(
  tenantId: string,
  {
    eventType,
    property,
    aggregate,
    atLeast,
    ...window
  }: { eventType: string; property: string; aggregate: 'sum' | 'avg'; atLeast: number } & TimeWindow,
): UserCondition {
  const { table, params } = eventsOnce('event_type = {eventType: String}', ['payload'], window);
  return {
    // The rounding is for sums such as 0.1 + 0.2, which depend on the order of their terms: whoever has exactly `atLeast` is always in.
    sql: `
      SELECT user_id FROM (
        SELECT user_id, ${payloadValue('payload', '{property: String}', 'Float64')} AS value
        FROM ${table}
      )
      GROUP BY user_id HAVING round(${aggregate}(value), 6) >= {atLeast: Float64}`,
    params: { tenantId, eventType, property, atLeast, ...params },
  };
}
