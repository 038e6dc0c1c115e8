import type { UserCondition } from './user-condition.js';
import { type PropertyValue, valueEquals } from './value-equals.js';

/** Users whose properties, as of their latest `context_identified` event, have one of this value. */
export function userProperty(
  tenantId: string,
  { property, value }: { property: string; value: PropertyValue },
): UserCondition {
  const { sql, params } = valueEquals('properties', property, value);
  return {
    // FINAL, so that an earlier value that is not merged away yet does not count. The table has few rows a user.
    sql: `
      SELECT user_id FROM user_properties FINAL
      WHERE tenant_id = {tenantId: String} AND ${sql}`,
    params: { tenantId, ...params },
  };
}
