import { badRequest } from '../common/errors.js';
import { JsonReader } from '../events/json.reader.js';
import { readJsonText } from '../events/json.text.js';

/** One event as it came in: its fields, and its payload both parsed and byte for byte. */
export interface ReceivedEvent {
  /** What `JSON.parse` made of it; anything, until it was validated. */
  readonly fields: unknown;
  /** The payload's JSON text as it was sent; undefined when there is none, or when it is null. */
  readonly payload: Buffer | undefined;
  /** How deep objects and arrays nest in the payload. */
  readonly payloadDepth: number;
  /** The size of the whole event, in bytes of JSON. */
  readonly bytes: number;
  /** Whether the payload may hold escapes or numbers that are rare and unstorable, so that a closer look pays. */
  readonly isSuspect: boolean;
}

const EVENTS = Buffer.from('events');
const PAYLOAD = Buffer.from('payload');

/** No double has more digits before its point. */
const DIGITS_BEYOND_DOUBLE = 309;

/**
 * Reads the body of a request for one event.
 * @throws ApiError 400 when it is not JSON
 */
export function readEvent(body: Buffer | undefined): ReceivedEvent {
  const { json, value } = parseJson(body);
  return toReceivedEvent(json, new JsonReader(json), value, hasDigitRun(json, DIGITS_BEYOND_DOUBLE));
}

/**
 * Reads the body of a request for many events.
 * @returns undefined when the body has no list of events
 * @throws ApiError 400 when it is not JSON
 */
export function readEvents(body: Buffer | undefined): ReceivedEvent[] | undefined {
  const { json, value } = parseJson(body);
  const list = (value as { events?: unknown } | null)?.events;
  if (!Array.isArray(list)) {
    return undefined;
  }
  const hasHugeNumber = hasDigitRun(json, DIGITS_BEYOND_DOUBLE);
  const reader = new JsonReader(json);
  let events: ReceivedEvent[] = [];
  reader.readObject((isNamed) => {
    if (!isNamed(EVENTS) || !reader.isAtArray()) {
      reader.skipValue();
      return;
    }
    // A repeated key starts over: like JSON.parse, the last one counts.
    events = [];
    reader.readArray(() => {
      events.push(toReceivedEvent(json, reader, list[events.length], hasHugeNumber));
    });
  });
  return events;
}

function parseJson(body: Buffer | undefined) {
  const read = readJsonText(body);
  if (!read.valid) {
    throw badRequest(read.detail);
  }
  return read;
}

/** Looks at every `length`-th byte only: no run of that many digits fits between two of them. */
function hasDigitRun(json: Uint8Array, length: number): boolean {
  for (let at = length - 1; at < json.length; at += length) {
    let start = at;
    while (isDigit(json[start])) start--;
    let end = at;
    while (isDigit(json[end])) end++;
    if (end - start > length) return true;
  }
  return false;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** @param mayHaveHugeNumber whether there is a number somewhere in the request that no double holds */
function toReceivedEvent(json: Buffer, reader: JsonReader, fields: unknown, mayHaveHugeNumber: boolean): ReceivedEvent {
  const start = reader.offset;
  let payload: Buffer | undefined;
  let payloadDepth = 0;
  let isSuspect = mayHaveHugeNumber;
  if (!reader.isAtObject()) {
    reader.skipValue();
  } else {
    reader.readObject((isNamed) => {
      const valueStart = reader.offset;
      reader.skipValue();
      if (isNamed(PAYLOAD)) {
        payload = json.subarray(valueStart, reader.offset);
        payloadDepth = reader.depth;
        // Of repeated keys the last one counts.
        isSuspect = mayHaveHugeNumber || reader.hasRareScalars;
      }
    });
  }
  if ((fields as { payload?: unknown } | null)?.payload === null) {
    payload = undefined;
  }
  return { fields, payload, payloadDepth, bytes: reader.offset - start, isSuspect };
}
