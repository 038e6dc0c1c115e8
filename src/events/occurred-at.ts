const ISO_8601 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?([Zz]|([+-])(\d\d):?(\d\d)?)?)?$/;

/**
 * The instant of an ISO 8601 date or date and time, in ms since 1970 and cut to the millisecond.
 * Without an offset it is UTC, unlike `Date.parse`, which takes the server's zone. A leap second is the next second.
 * @returns undefined when the text is not one, or names a day or time that does not exist
 */
export function parseOccurredAt(text: string): number | undefined {
  if (text !== last.text) last = { text, time: parseCommonForm(text) ?? parse(text) };
  return last.time;
}

/** An event's time is asked for three times in a row: for its form, for its range, and for its row. */
let last: { text: string | undefined; time: number | undefined } = { text: undefined, time: undefined };

const DASH = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;
const TO_THE_SECOND = '2026-04-25T13:00:00Z'.length;
const TO_THE_MILLISECOND = '2026-04-25T13:00:00.000Z'.length;

/**
 * The two forms that nearly all clients write, a fifth of the time of the expression that reads every one.
 * @returns undefined when {@link parse} has to decide
 */
function parseCommonForm(text: string): number | undefined {
  const { length } = text;
  const hasForm =
    (length === TO_THE_SECOND || (length === TO_THE_MILLISECOND && text.charCodeAt(19) === POINT)) &&
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text.charCodeAt(10) === LETTER_T &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON &&
    text.charCodeAt(length - 1) === LETTER_Z;
  if (!hasForm) return undefined;
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)];
  const [h, m, s] = [digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19)];
  const milliseconds = length === TO_THE_SECOND ? 0 : digits(text, 20, 23);
  // What is no digit is NaN, and in no range.
  const isOrdinary = year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= 31 && h <= 23 && m <= 59 && s <= 59;
  if (!isOrdinary || !(milliseconds >= 0)) return undefined;
  const midnight = midnightOf(year, month, day);
  return midnight === undefined ? undefined : midnight + ((h * 60 + m) * 60 + s) * 1000 + milliseconds;
}

/** The events of a request mostly happened on one day. */
let lastDay: { year: number; month: number; day: number; midnight: number | undefined } | undefined;

/** @returns undefined when the month has no such day */
function midnightOf(year: number, month: number, day: number): number | undefined {
  if (lastDay?.day !== day || lastDay.month !== month || lastDay.year !== year) {
    // It would take the years 0 to 99 for 1900 to 1999.
    const midnight = Date.UTC(year, month - 1, day);
    const exists = new Date(midnight).getUTCDate() === day;
    lastDay = { year, month, day, midnight: exists ? midnight : undefined };
  }
  return lastDay.midnight;
}

function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

function parse(text: string): number | undefined {
  const match = ISO_8601.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, , sign, offsetHour, offsetMinute] = match;
  const [h, m, s] = [Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0)];
  const offset = Number(offsetHour ?? 0) * 60 + Number(offsetMinute ?? 0);
  if (h > 23 || m > 59 || s > 60 || Number(offsetHour ?? 0) > 23 || Number(offsetMinute ?? 0) > 59) return undefined;
  const date = new Date(0);
  // Date.UTC would take the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined;
  const milliseconds = fraction === undefined ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0'));
  const local = date.getTime() + ((h * 60 + m) * 60 + s) * 1000 + milliseconds;
  return local - (sign === '-' ? -offset : offset) * 60_000;
}
