import * as fc from 'fast-check';
import { proposeEventType } from '../../src/events/event-field.decorators.js';
import { parseOccurredAt } from '../../src/events/occurred-at.js';
import { holds } from './holds.js';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc
    .array(fc.constantFrom('Page', ' ', '_', '9', 'É', 'ß', 'ﬁ', '㎏', 'İ', '\ud800', '-', 'ViewedX'), {
      maxLength: 80,
    })
    .map((parts) => parts.join('')),
);
const day = fc.tuple(
  fc.integer({ min: 0, max: 9999 }),
  fc.integer({ min: 0, max: 13 }),
  fc.integer({ min: 0, max: 32 }),
);
const clock = fc.tuple(
  fc.integer({ min: 0, max: 23 }),
  fc.integer({ min: 0, max: 59 }),
  fc.integer({ min: 0, max: 59 }),
  fc.integer({ min: 0, max: 999 }),
);
const offset = fc.oneof(
  fc.constant('Z'),
  fc
    .tuple(fc.constantFrom('+', '-'), fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
    .map(([sign, hour, minute]) => `${sign}${pad(hour)}:${pad(minute)}`),
);

function pad(value: number, width = 2): string {
  return String(value).padStart(width, '0');
}

describe('the rules for fields, whatever was sent', () => {
  it('should read a time as Date does, and know as well which days there are', () =>
    holds(fc.tuple(day, clock, offset), 2_000, ([[year, month, date], [hour, minute, second, ms], zone]) => {
      const text = `${pad(year, 4)}-${pad(month)}-${pad(date)}T${pad(hour)}:${pad(minute)}:${pad(second)}.${pad(ms, 3)}${zone}`;
      // Date.parse takes 31 February for the 2nd or 3rd of March.
      const exists = new Date(Date.UTC(2000, month, 0)).getUTCDate() >= date && month >= 1 && month <= 12 && date >= 1;
      const isLeapDay = month === 2 && date === 29;
      const isLeapYear = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
      const expected = exists && (!isLeapDay || isLeapYear) ? Date.parse(text) : undefined;
      expect(parseOccurredAt(text)).toBe(expected);
    }));

  it('should take any text for a time or for none, and never a time that is no number', () =>
    holds(anyText, 1_000, (text) => {
      const time = parseOccurredAt(text);
      expect(time === undefined || Number.isSafeInteger(time)).toBe(true);
    }));

  it('should propose only event types that would be accepted', () =>
    holds(anyText, 2_000, (text) => {
      const proposal = proposeEventType(text);
      if (proposal !== undefined) expect(proposal).toMatch(/^[a-z][a-z0-9_]{0,99}$/);
    }));

  it('should propose what was sent where that is accepted', () =>
    holds(fc.stringMatching(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/, { maxLength: 100 }), 500, (text) => {
      expect(proposeEventType(text)).toBe(text.slice(0, 100).replace(/_+$/, ''));
    }));
});
