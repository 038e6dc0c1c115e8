import * as fc from 'fast-check';
import { jsonObject, jsonString, jsonValue } from './json.cases.js';

const orOdd = (usual: fc.Arbitrary<string>, odd: fc.Arbitrary<string> = jsonValue): fc.Arbitrary<string> =>
  fc.oneof({ weight: 6, arbitrary: usual }, { weight: 1, arbitrary: odd });

const text = (unit: 'grapheme' | 'binary', maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit, minLength: 1, maxLength }).map((value) => JSON.stringify(value.toWellFormed()));

const userId = orOdd(
  fc.oneof(
    text('grapheme', 20),
    fc.uuid().map((id) => `"${id}"`),
    jsonString,
    text('binary', 300),
  ),
);
const eventType = orOdd(
  fc.constantFrom(
    '"page_viewed"',
    '"order_placed"',
    '"context_identified"',
    '"a"',
    '"p\\u0061ge"',
    `"${'x'.repeat(100)}"`,
  ),
);
const occurredAt = orOdd(
  fc.date({ min: new Date(0), max: new Date('2026-01-01'), noInvalidDate: true }).map((date) => JSON.stringify(date)),
  fc.oneof(jsonValue, fc.constantFrom('"2026-04-25T13:00:00+02:00"', '"1969-12-31"', '"9999-01-01"', '""')),
);

const member = (name: string, value: fc.Arbitrary<string>, share: number): fc.Arbitrary<string | undefined> =>
  fc.option(value, { freq: share, nil: undefined }).map((json) => json && `"${name}":${json}`);

/** JSON text of an event as clients may send it: most are valid, each in another way. */
export const eventJson = fc
  .tuple(
    member('user_id', userId, 20),
    member('event_type', eventType, 20),
    member('occurred_at', occurredAt, 1),
    member('payload', orOdd(jsonObject, fc.oneof(jsonValue, fc.constantFrom('[]', '""'))), 4),
    member('anonymous_id', orOdd(text('grapheme', 30), fc.oneof(jsonValue, fc.constant('" "'))), 1),
    member('unknown', jsonValue, 1),
    fc.boolean(),
  )
  .map(([...members]) => {
    const reversed = members.pop() === true;
    const present = members.filter((candidate) => typeof candidate === 'string');
    return `{${(reversed ? present.reverse() : present).join(',')}}`;
  });

/** An element of a list of events: one of them, or anything else. */
export const eventOrNot = fc.oneof({ weight: 9, arbitrary: eventJson }, { weight: 1, arbitrary: jsonValue });
