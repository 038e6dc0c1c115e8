const ISO_8601 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?([Zz]|([+-])(\d\d):?(\d\d)?)?)?$/;

/**
 * The instant of an ISO 8601 date or date and time, in ms since 1970, truncated to the millisecond.
 * Without an offset it is UTC, unlike `Date.parse`, which takes the server's zone. A leap second is the next second.
 * @returns undefined for other texts, and for days or times that do not exist
 */
export function parseOccurredAt(text: string): number | undefined {
  if (text !== last.text) last = { text, time: parseCommonForm(text) ?? parse(text) };
  return last.time;
}

/** An event's time is parsed three times in a row: for its form, its range, and its row. */
let last: { text: string | undefined; time: number | undefined } = { text: undefined, time: undefined };

const [DASH, POINT, ZERO, COLON, LETTER_T, LETTER_Z] = [0x2d, 0x2e, 0x30, 0x3a, 0x54, 0x5a] as const;
const TO_THE_SECOND = '2026-04-25T13:00:00Z'.length;
const TO_THE_MILLISECOND = '2026-04-25T13:00:00.000Z'.length;

/**
 * The two forms of nearly all clients, in a fifth of the time of the regular expression.
 * @returns undefined when {@link parse} must decide
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
  // NaN, for other characters, is in no range.
  const isOrdinary = year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= 31 && h <= 23 && m <= 59 && s <= 59;
  if (!isOrdinary || !(milliseconds >= 0)) return undefined;
  const midnight = midnightOf(year, month, day);
  return midnight === undefined ? undefined : midnight + ((h * 60 + m) * 60 + s) * 1000 + milliseconds;
}

/** Most events of a request are of one day. */
let lastDay: { year: number; month: number; day: number; midnight: number | undefined } | undefined;

/** @returns undefined when the month has no such day */
function midnightOf(year: number, month: number, day: number): number | undefined {
  if (lastDay?.day !== day || lastDay.month !== month || lastDay.year !== year) {
    // Date.UTC takes the years 0 to 99 as 1900 to 1999.
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
  // Date.UTC takes the years 0 to 99 as 1900 to 1999.
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined;
  const milliseconds = fraction === undefined ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0'));
  const local = date.getTime() + ((h * 60 + m) * 60 + s) * 1000 + milliseconds;
  return local - (sign === '-' ? -offset : offset) * 60_000;
}
