import { parseOccurredAt } from '../events/occurred-at.js';

/** What a property's value may be. */
export const PROPERTY_TYPES = ['string', 'number', 'boolean', 'datetime', 'array'] as const;

export type PropertyType = (typeof PROPERTY_TYPES)[number];

/** What a schema says about one member of a payload. */
export interface SchemaProperty {
  readonly name: string;
  readonly type: PropertyType;
  /** Whether an event without it, or with null in its place, is refused. */
  readonly required: boolean;
}

/** What a tenant expects of the payloads of one event type. Members that it does not name may be anything. */
export interface EventSchema {
  readonly eventType: string;
  /** Counts the changes: what was compiled from another version is out of date. */
  readonly version: number;
  readonly properties: readonly SchemaProperty[];
}

/** How many properties a schema may name: enough for any form or order, and checking them all stays cheap. */
export const MAX_PROPERTIES = 200;

/** In code points, as for `user_id`. */
export const MAX_PROPERTY_NAME_CHARACTERS = 255;

/**
 * Why a value cannot be the name of a property, in words that say what to do.
 * @returns undefined when it can
 */
export function problemOfPropertyName(value: unknown): string | undefined {
  if (value === undefined || value === null) return 'is required.';
  if (typeof value !== 'string') return 'must be a string.';
  if (value === '') return 'must not be empty.';
  if (value.length > MAX_PROPERTY_NAME_CHARACTERS && Array.from(value).length > MAX_PROPERTY_NAME_CHARACTERS) {
    return `must have at most ${MAX_PROPERTY_NAME_CHARACTERS} characters.`;
  }
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(value)) return 'must not contain control characters.';
  // PostgreSQL keeps schemas as jsonb, which refuses them.
  if (!value.isWellFormed()) return 'must not contain unpaired surrogates (\\ud800 to \\udfff).';
  return undefined;
}

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
