const ISO_8601 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?([Zz]|([+-])(\d\d):?(\d\d)?)?)?$/;

/**
 * The instant of an ISO 8601 date or date and time, in ms since 1970 and cut to the millisecond.
 * Without an offset it is UTC, unlike `Date.parse`, which takes the server's zone. A leap second is the next second.
 * @returns undefined when the text is not one, or names a day or time that does not exist
 */
export function parseOccurredAt(text: string): number | undefined {
  if (text !== last.text) {
    last = { text, time: parse(text) };
  }
  return last.time;
}

/** An event's time is asked for three times in a row: for its form, for its range, and for its row. */
let last: { text: string | undefined; time: number | undefined } = { text: undefined, time: undefined };

function parse(text: string): number | undefined {
  const match = ISO_8601.exec(text);
  if (match === null) {
    return undefined;
  }
  const [, year, month, day, hour, minute, second, fraction, , sign, offsetHour, offsetMinute] = match;
  const [h, m, s] = [Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0)];
  const offset = Number(offsetHour ?? 0) * 60 + Number(offsetMinute ?? 0);
  if (h > 23 || m > 59 || s > 60 || Number(offsetHour ?? 0) > 23 || Number(offsetMinute ?? 0) > 59) {
    return undefined;
  }
  const date = new Date(0);
  // Date.UTC would take the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) {
    return undefined;
  }
  const milliseconds = fraction === undefined ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0'));
  const local = date.getTime() + ((h * 60 + m) * 60 + s) * 1000 + milliseconds;
  return local - (sign === '-' ? -offset : offset) * 60_000;
}
