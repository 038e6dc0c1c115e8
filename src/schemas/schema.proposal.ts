import { invalidFields } from '../common/errors.js';
import { problemOfEventType } from './dto/event-type.decorator.js';
import type { SchemaProperty } from './event-schema.js';
import { inferProperties } from './schema-inference.js';

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
  if (first === undefined) {
    throw new TypeError('a list that is not empty has a first element');
  }
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
  if (problem !== undefined) {
    throw invalidFields({ event_type: [problem] });
  }
  return String(value);
}

function readEvent(event: unknown, index: number): { eventType: string; payload: unknown } {
  if (!isObject(event)) {
    throw invalidFields({ [`events.${index}`]: ['must be a JSON object.'] });
  }
  const problem = problemOfEventType(event['event_type']);
  if (problem !== undefined) {
    throw invalidFields({ [`events.${index}.event_type`]: [problem] });
  }
  return { eventType: String(event['event_type']), payload: event['payload'] };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
