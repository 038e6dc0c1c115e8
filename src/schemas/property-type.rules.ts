import { parseOccurredAt } from '../events/occurred-at.js';
import type { PropertyType } from './event-schema.js';

export interface PropertyTypeRule {
  /** Whether a value is of the type as it stands. Never asked about null, which counts as absent. */
  readonly accepts: (value: unknown) => boolean;
  /** The JSON text of the value that a text stands for, undefined when it stands for none. Without it, texts are not coerced. */
  readonly coerce?: (text: string) => string | undefined;
  /** What to do when a value is refused. */
  readonly message: string;
}

/** The one definition of the types: enforcing a schema and proposing one must not disagree. */
export const PROPERTY_TYPE_RULES: Readonly<Record<PropertyType, PropertyTypeRule>> = {
  string: {
    accepts: (value) => typeof value === 'string',
    message: 'must be a string.',
  },
  number: {
    // A number beyond a double was parsed to Infinity, and ClickHouse would not read it either.
    accepts: (value) => Number.isFinite(value),
    coerce: numberIn,
    message: 'must be a number, or text that is one.',
  },
  boolean: {
    accepts: (value) => typeof value === 'boolean',
    coerce: booleanIn,
    message: 'must be true or false, or text that is one of them.',
  },
  datetime: {
    accepts: (value) => typeof value === 'string' && parseOccurredAt(value) !== undefined,
    message: 'must be an ISO 8601 date and time, such as "2026-04-25T13:00:00.000Z".',
  },
  array: {
    accepts: (value) => Array.isArray(value),
    message: 'must be a list.',
  },
};

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Keeps the digits as they are: a 64-bit id would lose its last ones in a double. */
function numberIn(text: string): string | undefined {
  const trimmed = text.trim();
  return JSON_NUMBER.test(trimmed) && Number.isFinite(Number(trimmed)) ? trimmed : undefined;
}

function booleanIn(text: string): string | undefined {
  const word = text.trim().toLowerCase();
  return word === 'true' || word === 'false' ? word : undefined;
}
