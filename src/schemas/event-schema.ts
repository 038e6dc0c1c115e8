import { parseOccurredAt } from '../events/occurred-at.js';

export const PROPERTY_TYPES = ['string', 'number', 'boolean', 'datetime', 'array'] as const;

export type PropertyType = (typeof PROPERTY_TYPES)[number];

/** One member of a payload. */
export interface SchemaProperty {
  readonly name: string;
  readonly type: PropertyType;
  /** Whether an event without it, or with null, is rejected. */
  readonly required: boolean;
}

/** What a tenant expects of the payloads of one event type. Other members may be anything. */
export interface EventSchema {
  readonly eventType: string;
  readonly version: number;
  readonly properties: readonly SchemaProperty[];
}

/** Enough for any form or order, and cheap to check. */
export const MAX_PROPERTIES = 200;

/** In code points, as for `user_id`. */
export const MAX_PROPERTY_NAME_CHARACTERS = 255;

/** Why a value cannot be the name of a property, with the fix; undefined when it can. */
export function problemOfPropertyName(value: unknown): string | undefined {
  if (value === undefined || value === null) return 'is required.';
  if (typeof value !== 'string') return 'must be a string.';
  if (value === '') return 'must not be empty.';
  if (value.length > MAX_PROPERTY_NAME_CHARACTERS && Array.from(value).length > MAX_PROPERTY_NAME_CHARACTERS) {
    return `must have at most ${MAX_PROPERTY_NAME_CHARACTERS} characters.`;
  }
  // eslint-disable-next-line no-control-regex -- intended
  if (/[\u0000-\u001f\u007f-\u009f]/.test(value)) return 'must not contain control characters.';
  // PostgreSQL's jsonb rejects them.
  return value.isWellFormed() ? undefined : 'must not contain unpaired surrogates (\\ud800 to \\udfff).';
}

export interface PropertyTypeRule {
  /** Whether a value is of the type. Not called for null, which counts as absent. */
  readonly accepts: (value: unknown) => boolean;
  /** The JSON text of the value in a text; undefined when there is none. Types without it coerce no texts. */
  readonly coerce?: (text: string) => string | undefined;
  readonly message: string;
}

/** The one definition of the types, for enforcing schemas and for proposing them. */
export const PROPERTY_TYPE_RULES: Readonly<Record<PropertyType, PropertyTypeRule>> = {
  string: {
    accepts: (value) => typeof value === 'string',
    message: 'must be a string.',
  },
  number: {
    // JSON.parse returns Infinity for a number beyond a double, which ClickHouse does not read either.
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

/** Keeps the digits, since a 64-bit id would lose its last ones in a double. */
function numberIn(text: string): string | undefined {
  const trimmed = text.trim();
  return JSON_NUMBER.test(trimmed) && Number.isFinite(Number(trimmed)) ? trimmed : undefined;
}

function booleanIn(text: string): string | undefined {
  const word = text.trim().toLowerCase();
  return word === 'true' || word === 'false' ? word : undefined;
}
