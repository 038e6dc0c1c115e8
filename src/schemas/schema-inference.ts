import { invalidFields } from '../common/errors.js';
import {
  MAX_PROPERTIES,
  problemOfPropertyName,
  PROPERTY_TYPE_RULES,
  type PropertyType,
  type SchemaProperty,
} from './event-schema.js';
import { problemOfEventType } from './schema.dto.js';

/** How many values of a property have each type. Null counts as absent; a text may count several times. */
interface TypeCounts {
  values: number;
  numbers: number;
  numericTexts: number;
  booleans: number;
  booleanTexts: number;
  texts: number;
  datetimes: number;
  arrays: number;
}

/**
 * Proposes the properties of a schema that accepts every one of the payloads, at most {@link MAX_PROPERTIES} in order of first
 * appearance. A property is required when every payload has it. Left out are objects, properties that are always null or have
 * no type in common, and names that a schema may not have.
 * @param payloads of events of one type, as `JSON.parse` returned them; anything but an object counts as an empty one
 */
export function inferProperties(payloads: readonly unknown[]): SchemaProperty[] {
  const properties: SchemaProperty[] = [];
  for (const [name, counts] of countMembers(payloads)) {
    const type = typeOf(counts);
    if (type === undefined || problemOfPropertyName(name) !== undefined) continue;
    properties.push({ name, type, required: counts.values === payloads.length });
    if (properties.length === MAX_PROPERTIES) break;
  }
  return properties;
}

function countMembers(payloads: readonly unknown[]): Map<string, TypeCounts> {
  const byName = new Map<string, TypeCounts>();
  for (const payload of payloads) {
    if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) continue;
    for (const [name, value] of Object.entries(payload)) {
      const counts = byName.get(name) ?? noCounts();
      byName.set(name, counts);
      count(counts, value);
    }
  }
  return byName;
}

function count(counts: TypeCounts, value: unknown): void {
  if (value === null) return;
  const { number, boolean, array } = PROPERTY_TYPE_RULES;
  counts.values++;
  if (typeof value === 'string') {
    counts.texts++;
    if (isDateTime(value)) counts.datetimes++;
    if (number.coerce?.(value) !== undefined) counts.numericTexts++;
    if (boolean.coerce?.(value) !== undefined) counts.booleanTexts++;
  } else if (number.accepts(value)) counts.numbers++;
  else if (boolean.accepts(value)) counts.booleans++;
  else if (array.accepts(value)) counts.arrays++;
}

/**
 * Texts stay texts even when all are digits, as post codes and telephone numbers are. A number among them shows that the texts
 * are numbers too.
 */
function typeOf(counts: TypeCounts): PropertyType | undefined {
  const { values } = counts;
  if (values === 0) return undefined;
  if (counts.numbers > 0 && counts.numbers + counts.numericTexts === values) return 'number';
  if (counts.booleans > 0 && counts.booleans + counts.booleanTexts === values) return 'boolean';
  if (counts.datetimes === values) return 'datetime';
  if (counts.texts === values) return 'string';
  if (counts.arrays === values) return 'array';
  return undefined;
}

/** A date without a time may be a birthday. */
function isDateTime(text: string): boolean {
  return text.includes(':') && PROPERTY_TYPE_RULES.datetime.accepts(text);
}

function noCounts(): TypeCounts {
  return { values: 0, numbers: 0, numericTexts: 0, booleans: 0, booleanTexts: 0, texts: 0, datetimes: 0, arrays: 0 };
}

const MAX_EVENTS = 500;

/**
 * Proposes a schema for a list of events of one type, sent as the list or under `events`.
 * @throws ApiError 400 when it is not such a list
 */
export function proposeSchema(body: unknown): { event_type: string; properties: SchemaProperty[] } {
  const events = isObject(body) ? body['events'] : body;
  if (!Array.isArray(events) || events.length === 0 || events.length > MAX_EVENTS) {
    throw invalidFields({ events: [`must be a list of 1 to ${MAX_EVENTS} events.`] });
  }
  const [first, ...others] = events.map(readEvent);
  if (first === undefined) throw new TypeError('a list that is not empty has a first element');
  const differing = others.findIndex(({ eventType }) => eventType !== first.eventType);
  if (differing !== -1) {
    throw invalidFields({
      events: [`must all have the same event_type; that of events.${differing + 1} differs from that of events.0.`],
    });
  }
  const payloads = [first, ...others].map(({ payload }) => payload);
  return { event_type: first.eventType, properties: inferProperties(payloads) };
}

/** @throws ApiError 400 when it is not an event type */
export function eventTypeOf(value: unknown): string {
  const problem = problemOfEventType(value);
  if (problem !== undefined) throw invalidFields({ event_type: [problem] });
  return String(value);
}

function readEvent(event: unknown, index: number): { eventType: string; payload: unknown } {
  if (!isObject(event)) throw invalidFields({ [`events.${index}`]: ['must be a JSON object.'] });
  const problem = problemOfEventType(event['event_type']);
  if (problem !== undefined) throw invalidFields({ [`events.${index}.event_type`]: [problem] });
  return { eventType: String(event['event_type']), payload: event['payload'] };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
