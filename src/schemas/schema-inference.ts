import { invalidFields } from '../common/errors.js';
import {
  MAX_PROPERTIES,
  problemOfPropertyName,
  PROPERTY_TYPE_RULES,
  type PropertyType,
  type SchemaProperty,
} from './event-schema.js';
import { problemOfEventType } from './schema.dto.js';

/** How many of a property's values are what; null counts as absent, and a text may be counted several times. */
interface Tally {
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
 * Proposes the properties of a schema that accepts every one of the payloads.
 *
 * Left out are properties whose values are objects, are always null, or have no type in common, and names that a schema may not
 * have. A property is required when every payload has it. At most {@link MAX_PROPERTIES}, in order of first appearance.
 * @param payloads of events of one type, as `JSON.parse` made them; what is not an object counts as an empty one
 */
export function inferProperties(payloads: readonly unknown[]): SchemaProperty[] {
  const properties: SchemaProperty[] = [];
  for (const [name, tally] of tallyMembers(payloads)) {
    const type = typeOf(tally);
    if (type === undefined || problemOfPropertyName(name) !== undefined) continue;
    properties.push({ name, type, required: tally.values === payloads.length });
    if (properties.length === MAX_PROPERTIES) break;
  }
  return properties;
}

function tallyMembers(payloads: readonly unknown[]): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const payload of payloads) {
    if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) continue;
    for (const [name, value] of Object.entries(payload)) {
      const tally = tallies.get(name) ?? emptyTally();
      tallies.set(name, tally);
      count(tally, value);
    }
  }
  return tallies;
}

function count(tally: Tally, value: unknown): void {
  if (value === null) return;
  const { number, boolean, array } = PROPERTY_TYPE_RULES;
  tally.values++;
  if (typeof value === 'string') {
    tally.texts++;
    if (isDateTime(value)) tally.datetimes++;
    if (number.coerce?.(value) !== undefined) tally.numericTexts++;
    if (boolean.coerce?.(value) !== undefined) tally.booleanTexts++;
  } else if (number.accepts(value)) tally.numbers++;
  else if (boolean.accepts(value)) tally.booleans++;
  else if (array.accepts(value)) tally.arrays++;
}

/**
 * Texts alone stay texts, even if all of them are digits: post codes and telephone numbers are no numbers. A number
 * among them shows that the texts are meant as numbers too.
 */
function typeOf(tally: Tally): PropertyType | undefined {
  const { values } = tally;
  if (values === 0) return undefined;
  if (tally.numbers > 0 && tally.numbers + tally.numericTexts === values) return 'number';
  if (tally.booleans > 0 && tally.booleans + tally.booleanTexts === values) return 'boolean';
  if (tally.datetimes === values) return 'datetime';
  if (tally.texts === values) return 'string';
  if (tally.arrays === values) return 'array';
  return undefined;
}

/** A date without a time may be a birthday, which is no instant. */
function isDateTime(text: string): boolean {
  return text.includes(':') && PROPERTY_TYPE_RULES.datetime.accepts(text);
}

function emptyTally(): Tally {
  return { values: 0, numbers: 0, numericTexts: 0, booleans: 0, booleanTexts: 0, texts: 0, datetimes: 0, arrays: 0 };
}

const MAX_EVENTS = 500;

/**
 * The schema that fits a list of events of one type, given as the list itself or under `events`.
 * @throws ApiError 400 when it is not such a list
 */
export function proposeSchema(body: unknown): { event_type: string; properties: SchemaProperty[] } {
  const events = isObject(body) ? body['events'] : body;
  if (!Array.isArray(events) || events.length === 0 || events.length > MAX_EVENTS) {
    throw invalidFields({ events: [`must be a list of 1 to ${MAX_EVENTS} events.`] });
  }
  const [first, ...others] = events.map(readEvent);
  if (first === undefined) throw new TypeError('a list that is not empty has a first element');
  const stranger = others.findIndex(({ eventType }) => eventType !== first.eventType);
  if (stranger !== -1) {
    throw invalidFields({
      events: [`must all have the same event_type; that of events.${stranger + 1} differs from that of events.0.`],
    });
  }
  const payloads = [first, ...others].map(({ payload }) => payload);
  return { event_type: first.eventType, properties: inferProperties(payloads) };
}

/** @throws ApiError 400 when it is none */
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
