import { eventsOnce } from './events-once.js';

/** A condition that users of one tenant meet or do not, as SQL with bound parameters. The files beside this one make them. */
export interface UserCondition {
  /** SELECT of one column, `user_id`, in which every user is at most once. */
  readonly sql: string;
  readonly params: Readonly<Record<string, string | number | boolean>>;
}

/** Which events count, by when they occurred: from `since` to before `until`, each optional. */
export interface TimeWindow {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

/**
 * SQL for a top-level property of the JSON text in `column`, NULL when it is missing or not of the type.
 * The parser of ClickHouse finds nothing in a document with an integer beyond 64 bits or a lone surrogate; such a document
 * is read again without them. The branch costs nothing for others (docs/warehouse.md, "Reading the payload").
 * @param property SQL of its name
 */
export function payloadValue(column: string, property: string, type: 'Float64' | 'String' | 'Bool'): string {
  const read = (json: string) => `JSONExtract(${json}, ${property}, 'Nullable(${type})')`;
  return `multiIf(${read(column)} IS NOT NULL, ${read(column)}, isValidJSON(${column}), NULL, ${read(repaired(column))})`;
}

/** Integers of 19 digits and more become floating-point numbers, escaped surrogates become U+FFFD. */
function repaired(column: string): string {
  const integers = String.raw`replaceRegexpAll(${column}, '([:,\\[]\\s*-?[0-9]{19,})', '\\1.0')`;
  return String.raw`replaceRegexpAll(${integers}, '\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\\\ufffd')`;
}

export type PropertyValue = string | number | boolean;

/** SQL that is true where the property `{property: String}` of the JSON text in `column` is `{value}`, and its parameters. */
function valueEquals(
  column: string,
  property: string,
  value: PropertyValue,
): { sql: string; params: Record<string, PropertyValue> } {
  const type = CLICKHOUSE_TYPES[typeof value as keyof typeof CLICKHOUSE_TYPES];
  return { sql: `${payloadValue(column, '{property: String}', type)} = {value: ${type}}`, params: { property, value } };
}

const CLICKHOUSE_TYPES = { string: 'String', number: 'Float64', boolean: 'Bool' } as const;

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
