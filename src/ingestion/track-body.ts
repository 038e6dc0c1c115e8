import { badRequest } from '../common/errors.js';
import { InvalidJsonError, JsonReader } from '../events/json.reader.js';
import { NOT_JSON, readBodyText } from '../events/json.text.js';
import type { TrackEventDto } from '../events/track-event.dto.js';

/** The fields of an event that mean something, each anything until it was validated; undefined when it is absent. */
export type ReceivedFields = { -readonly [Name in keyof TrackEventDto]: unknown };

/** One event as it came in. */
export interface ReceivedEvent {
  /** What `JSON.parse` would make of them, but a payload that is an object is its text as it was sent. Undefined: not an object. */
  readonly fields: ReceivedFields | undefined;
  /** How deep objects and arrays nest in the payload. */
  readonly payloadDepth: number;
  /** The size of the whole event, in bytes of JSON. */
  readonly bytes: number;
  /** Whether the payload may hold escapes or numbers that are rare and unstorable, so that a closer look pays. */
  readonly isSuspect: boolean;
}

const FIELDS = (
  ['user_id', 'event_type', 'occurred_at', 'payload', 'anonymous_id', 'event_id'] satisfies (keyof TrackEventDto)[]
).map((name) => ({ name, key: Buffer.from(name) }));
const EVENTS = Buffer.from('events');

/**
 * Reads the body of a request for one event.
 * @throws ApiError 400 when it is not JSON
 */
export function readEvent(body: Buffer | undefined): ReceivedEvent {
  return readBody(body, readEventHere);
}

/**
 * Reads the body of a request for many events.
 * @returns undefined when the body has no list of events
 * @throws ApiError 400 when it is not JSON
 */
export function readEvents(body: Buffer | undefined): ReceivedEvent[] | undefined {
  return readBody(body, (reader, json) => {
    if (!reader.isAtObject()) {
      reader.skipValue();
      return undefined;
    }
    let events: ReceivedEvent[] | undefined;
    reader.enter();
    while (reader.nextMember()) {
      if (!reader.isNamed(EVENTS)) {
        reader.skipValue();
        continue;
      }
      // A repeated key starts over: like JSON.parse, the last one counts.
      events = readListHere(reader, json);
    }
    return events;
  });
}

function readBody<T>(body: Buffer | undefined, read: (reader: JsonReader, json: Buffer) => T): T {
  const text = readBodyText(body);
  if (!text.valid) {
    throw badRequest(text.detail);
  }
  try {
    const reader = new JsonReader(text.json);
    const result = read(reader, text.json);
    reader.requireEnd();
    return result;
  } catch (error) {
    throw error instanceof InvalidJsonError ? badRequest(NOT_JSON.detail) : error;
  }
}

function readListHere(reader: JsonReader, json: Buffer): ReceivedEvent[] | undefined {
  if (!reader.isAtArray()) {
    reader.skipValue();
    return undefined;
  }
  const events: ReceivedEvent[] = [];
  reader.enter();
  while (reader.nextElement()) events.push(readEventHere(reader, json));
  return events;
}

function readEventHere(reader: JsonReader, json: Buffer): ReceivedEvent {
  const start = reader.offset;
  if (!reader.isAtObject()) {
    reader.skipValue();
    return { fields: undefined, payloadDepth: 0, bytes: reader.offset - start, isSuspect: false };
  }
  const fields: ReceivedFields = {
    user_id: undefined,
    event_type: undefined,
    occurred_at: undefined,
    payload: undefined,
    anonymous_id: undefined,
    event_id: undefined,
  };
  let payloadDepth = 0;
  let isSuspect = false;
  reader.enter();
  while (reader.nextMember()) {
    const name = fieldHere(reader);
    if (name === undefined) {
      reader.skipValue();
    } else if (name === 'payload') {
      fields.payload = readPayloadHere(reader, json);
      // Of repeated keys the last one counts.
      payloadDepth = reader.depth;
      isSuspect = reader.hasRareScalars;
    } else {
      fields[name] = reader.readValue();
    }
  }
  return { fields, payloadDepth, bytes: reader.offset - start, isSuspect };
}

function readPayloadHere(reader: JsonReader, json: Buffer): unknown {
  if (!reader.isAtObject()) return reader.readValue();
  const start = reader.offset;
  reader.skipValue();
  return json.subarray(start, reader.offset);
}

function fieldHere(reader: JsonReader): keyof ReceivedFields | undefined {
  return FIELDS.find(({ key }) => reader.isNamed(key))?.name;
}
