import { payloadValue } from './payload-value.js';

export type PropertyValue = string | number | boolean;

/** SQL that is true where the property `{property: String}` of the JSON text in `column` is `{value}`, and its parameters. */
export function valueEquals(
  column: string,
  property: string,
  value: PropertyValue,
): { sql: string; params: Record<string, PropertyValue> } {
  const type = CLICKHOUSE_TYPES[typeof value as keyof typeof CLICKHOUSE_TYPES];
  return { sql: `${payloadValue(column, '{property: String}', type)} = {value: ${type}}`, params: { property, value } };
}

const CLICKHOUSE_TYPES = { string: 'String', number: 'Float64', boolean: 'Bool' } as const;
