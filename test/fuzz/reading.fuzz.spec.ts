import { isUtf8 } from 'node:buffer';
import * as fc from 'fast-check';
import { ApiError } from '../../src/common/errors.js';
import { rareScalars } from '../../src/json/rare-scalars.js';
import { InvalidJsonError, JsonReader } from '../../src/json/json.reader.js';
import { type ReceivedEvent, readEvent } from '../../src/ingestion/track-body.js';
import { elementSources, memberSource } from '../../src/shopify/shopify.object.js';
import { readWebhook } from '../../src/shopify/webhook.reader.js';
import { TOPICS } from '../../src/shopify/topics.js';
import { collectEvents } from '../support/collect-events.js';
import { eventOrNot } from './event.cases.js';
import { holds } from './holds.js';
import { anyBytes, jsonDocument, jsonObject, jsonValue } from './json.cases.js';

const parsed = (source: Uint8Array | undefined): unknown => JSON.parse(Buffer.from(source ?? []).toString());

function depthOf(value: unknown): number {
  return typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
}

function isUnreadable(value: unknown): boolean {
  return typeof value === 'string' ? !value.isWellFormed() : typeof value === 'number' && !Number.isFinite(value);
}

function holdsUnreadable(value: unknown): boolean {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).flat().some(holdsUnreadable)
    : isUnreadable(value);
}

/** The value in a list, or none where there was none. */
function attempt(read: () => unknown): unknown[] {
  try {
    return [read()];
  } catch (error) {
    if (error instanceof InvalidJsonError || error instanceof SyntaxError) return [];
    throw error;
  }
}

/** What came of reading; undefined for a refusal that the sender is told as a 400. */
function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).status).toBe(400);
    return undefined;
  }
}

const NAMES = ['user_id', 'event_type', 'occurred_at', 'payload', 'anonymous_id', 'event_id'];

function sentFieldsOf(event: unknown): unknown {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
  return Object.fromEntries(Object.entries(event).filter(([name]) => NAMES.includes(name)));
}

function fieldsOf({ fields }: ReceivedEvent): unknown {
  return fields && { ...fields, payload: Buffer.isBuffer(fields.payload) ? parsed(fields.payload) : fields.payload };
}

describe('reading what was sent, whatever it is', () => {
  it('should take for JSON exactly what JSON.parse takes, and read the same', () =>
    holds(anyBytes, 5_000, (bytes) => {
      fc.pre(isUtf8(bytes));
      const text = bytes.toString();
      const reader = new JsonReader(bytes);
      const read = attempt(() => {
        const value = reader.readValue();
        reader.requireEnd();
        return value;
      });
      const parsed = attempt(() => JSON.parse(text) as unknown);
      // What nests too deep is checked, and not made.
      const isMade = reader.depth <= 64;
      expect(isMade ? read : read.length).toEqual(isMade ? parsed : parsed.length);
    }));

  it('should find the end of any JSON value, and how deep it nests', () =>
    holds(jsonDocument, 1_000, (text) => {
      const json = Buffer.from(text);
      const reader = new JsonReader(json);
      const start = reader.offset;
      reader.skipValue();
      expect(json.subarray(reader.offset).toString().trim()).toBe('');
      expect(parsed(json.subarray(start, reader.offset))).toEqual(JSON.parse(text));
      // Of repeated members JSON.parse keeps one, and the others may be the deeper ones.
      expect(reader.depth).toBeGreaterThanOrEqual(depthOf(JSON.parse(text)));
    }));

  it('should find whatever ClickHouse could not read, also where a repeated key hides it from JSON.parse', () =>
    holds(fc.tuple(jsonDocument, jsonDocument), 1_000, ([hidden, text]) => {
      const found = [...rareScalars(Buffer.from(`{"a":${hidden},"a":${text}}`))].some(isUnreadable);
      if (holdsUnreadable(JSON.parse(`[${hidden},${text}]`))) expect(found).toBe(true);
      // Without repeated keys both see the same.
      if (!/"/.test(hidden + text)) expect(found).toBe(holdsUnreadable(JSON.parse(`[${hidden},${text}]`)));
    }));

  it('should find the members of any object where JSON.parse finds them', () =>
    holds(jsonObject, 1_000, (text) => {
      const json = Buffer.from(text);
      const members = JSON.parse(text) as Record<string, unknown>;
      for (const [name, value] of Object.entries(members)) {
        // The text of a key with half a character in it cannot be asked for in UTF-8.
        if (name.isWellFormed()) expect(parsed(memberSource(json, name))).toEqual(value);
      }
      if (!Object.hasOwn(members, 'absent')) expect(memberSource(json, 'absent')).toBeUndefined();
    }));

  it('should find the elements of any array where JSON.parse finds them', () =>
    holds(fc.array(jsonValue, { maxLength: 8 }), 500, (elements) => {
      const json = `[${elements.join(' ,')}]`;
      expect(elementSources(Buffer.from(json)).map(parsed)).toEqual(JSON.parse(json));
    }));

  it('should take any bytes for an event, or refuse them as the sender’s fault', () =>
    holds(anyBytes, 1_000, (bytes) => {
      unlessRefused(() => readEvent(bytes));
      unlessRefused(() => collectEvents(bytes));
    }));

  it('should find every event of a list, and each payload byte for byte', () =>
    holds(fc.tuple(fc.array(eventOrNot, { maxLength: 5 }), jsonValue), 1_000, ([list, other]) => {
      const { events } = collectEvents(Buffer.from(`{"events":[],"x":${other},"events":[${list.join()}]}`));
      expect(events.map(fieldsOf)).toEqual(list.map((text) => sentFieldsOf(JSON.parse(text))));
    }));

  it('should have a reading for any webhook', () =>
    holds(
      fc.tuple(fc.constantFrom(...TOPICS.keys(), 'customers/redact', 'shop/redact', 'x/y', undefined), anyBytes),
      1_000,
      ([topic, body]) => {
        const headers = { shopDomain: null, webhookId: undefined, triggeredAt: '9', eventId: null, apiVersion: null };
        const reading = readWebhook({ headers: { topic, ...headers }, body, receivedAt: 1_790_000_000_000 });
        expect(reading.kind).toEqual(expect.any(String));
      },
    ));
});
