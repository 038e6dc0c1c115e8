import type { JsonSchema } from '../common/dto.schema.js';

/** The words that answers are described in. */

export const TEXT: JsonSchema = { type: 'string' };
export const FLAG: JsonSchema = { type: 'boolean' };
export const UUID: JsonSchema = { type: 'string', format: 'uuid' };
/** RFC 3339 in UTC. */
export const INSTANT: JsonSchema = { type: 'string', format: 'date-time', pattern: 'Z$' };
/** The same without a fraction, for parsers that take none. */
export const WHOLE_SECOND: JsonSchema = { type: 'string', format: 'date-time', pattern: 'T\\d\\d:\\d\\d:\\d\\dZ$' };
export const COUNT: JsonSchema = { type: 'integer', minimum: 0 };

/** Said of every list that is read in pages. */
export const PAGES =
  'Pages have at most 100 entries and about 1 MB. Where there is more, the header `Link` leads to the next page (`rel="next"`, relative to the address that was asked for).';

export const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
export const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
export const oneOf = (values: readonly unknown[]): JsonSchema => ({ enum: values });

/** An object with these members, perhaps the optional ones, and no others. */
export const closed = (
  properties: Readonly<Record<string, JsonSchema>>,
  optional: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema => ({
  type: 'object',
  properties: { ...properties, ...optional },
  required: Object.keys(properties),
  additionalProperties: false,
});
