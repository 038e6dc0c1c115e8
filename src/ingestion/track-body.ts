import { type ApiError, badRequest } from '../common/errors.js';
import { InvalidJsonError, JsonReader } from '../json/json.reader.js';
import { notJson, readBodyText, type Unreadable, withoutByteOrderMark } from '../json/json.text.js';
import type { ReceivedFields } from '../events/track-event.dto.js';

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

/** Is given the events of a list one by one, while they are read: of hundreds none has to be kept. */
export interface EventSink {
  /** The list begins; events of an earlier one do not count. */
  start(): void;
  take(event: ReceivedEvent): void;
}

const EVENTS = Buffer.from('events');
const USER_ID = Buffer.from('user_id');
const EVENT_TYPE = Buffer.from('event_type');
const OCCURRED_AT = Buffer.from('occurred_at');
const PAYLOAD = Buffer.from('payload');
const ANONYMOUS_ID = Buffer.from('anonymous_id');
const EVENT_ID = Buffer.from('event_id');

/**
 * Reads the body of a request for one event.
 * @throws ApiError 400 when it is not JSON
 */
export function readEvent(body: Buffer | undefined): ReceivedEvent {
  return readBody(body, readEventHere);
}

/**
 * Reads the body of a request for many events.
 * @param limit how many of them `sink` is given at most
 * @returns how many there are; undefined when the body has no list of events
 * @throws ApiError 400 when it is not JSON; what `sink` was given does not count then
 */
export function readEvents(body: Buffer | undefined, limit: number, sink: EventSink): number | undefined {
  return readBody(body, (reader, json) => {
    if (!reader.isAtObject()) {
      reader.skipValue();
      return undefined;
    }
    let count: number | undefined;
    reader.enter();
    while (reader.nextMember()) {
      if (!reader.isNamed(EVENTS)) {
        reader.skipValue();
        continue;
      }
      // A repeated key starts over: like JSON.parse, the last one counts.
      sink.start();
      count = readListHere(reader, json, limit, sink);
    }
    return count;
  });
}

function readBody<T>(body: Buffer | undefined, read: (reader: JsonReader, json: Buffer) => T): T {
  const text = readBodyText(body);
  if (!text.valid) {
    throw unreadable(text, body);
  }
  try {
    const reader = new JsonReader(text.json);
    const result = read(reader, text.json);
    reader.requireEnd();
    return result;
  } catch (error) {
    throw error instanceof InvalidJsonError ? unreadable(notJson(text.json, error.offset), body) : error;
  }
}

function unreadable({ detail, offset }: Unreadable, body: Buffer | undefined): ApiError {
  const index = body === undefined || offset === undefined ? undefined : indexOfEventAt(body, offset);
  return badRequest(index === undefined ? detail : `${detail} It is in the event with index ${index}.`);
}

/**
 * The index of the event that the list of events breaks in; undefined when it breaks elsewhere. Walks over the list once more,
 * so that reading has nothing to note for the rare body that is not valid.
 */
function indexOfEventAt(body: Buffer, offset: number): number | undefined {
  const reader = new JsonReader(withoutByteOrderMark(body));
  let index: number | undefined;
  try {
    if (!reader.isAtObject()) return undefined;
    reader.enter();
    while (reader.offset <= offset && reader.nextMember()) {
      if (!reader.isNamed(EVENTS) || !reader.isAtArray()) {
        reader.skipValue();
        continue;
      }
      reader.enter();
      for (let next = 0; reader.nextElement(); next++) {
        index = next;
        reader.skipValue();
        if (reader.offset > offset) return index;
        index = undefined;
      }
    }
  } catch (error) {
    if (!(error instanceof InvalidJsonError)) throw error;
    // A text that is no JSON even before that place has no events there.
    return error.offset < offset ? undefined : index;
  }
  return undefined;
}

function readListHere(reader: JsonReader, json: Buffer, limit: number, sink: EventSink): number | undefined {
  if (!reader.isAtArray()) {
    reader.skipValue();
    return undefined;
  }
  let count = 0;
  reader.enter();
  while (reader.nextElement()) {
    if (count < limit) sink.take(readEventHere(reader, json));
    else reader.skipValue();
    count++;
  }
  return count;
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
    // Of repeated keys the last one counts.
    if (reader.isNamed(PAYLOAD)) {
      fields.payload = readPayloadHere(reader, json);
      payloadDepth = reader.depth;
      isSuspect = reader.hasRareScalars;
    } else if (reader.isNamed(USER_ID)) fields.user_id = reader.readValue();
    else if (reader.isNamed(EVENT_TYPE)) fields.event_type = reader.readValue();
    else if (reader.isNamed(OCCURRED_AT)) fields.occurred_at = reader.readValue();
    else if (reader.isNamed(ANONYMOUS_ID)) fields.anonymous_id = reader.readValue();
    else if (reader.isNamed(EVENT_ID)) fields.event_id = reader.readValue();
    else reader.skipValue();
  }
  return { fields, payloadDepth, bytes: reader.offset - start, isSuspect };
}

function readPayloadHere(reader: JsonReader, json: Buffer): unknown {
  if (!reader.isAtObject()) return reader.readValue();
  const start = reader.offset;
  reader.skipValue();
  return json.subarray(start, reader.offset);
}
