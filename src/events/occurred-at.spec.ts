import { parseOccurredAt } from './occurred-at.js';

const iso = (text: string): string | undefined => {
  const time = parseOccurredAt(text);
  return time === undefined ? undefined : new Date(time).toISOString();
};

describe('parseOccurredAt', () => {
  it.each([
    ['2026-04-25T13:00:00Z', '2026-04-25T13:00:00.000Z'],
    ['2026-04-25t13:00:00z', '2026-04-25T13:00:00.000Z'],
    ['2026-04-25 13:00:00Z', '2026-04-25T13:00:00.000Z'],
    ['2026-04-25T13:00:00+02:00', '2026-04-25T11:00:00.000Z'],
    ['2026-04-25T13:00:00-0930', '2026-04-25T22:30:00.000Z'],
    ['2026-04-25T13:00:00+02', '2026-04-25T11:00:00.000Z'],
    ['2026-04-25T13:00Z', '2026-04-25T13:00:00.000Z'],
    ['2026-04-25', '2026-04-25T00:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ])('should read %s', (text, expected) => {
    expect(iso(text)).toBe(expected);
  });

  it('should take a time without an offset for UTC, whatever zone the server is in', () => {
    expect(iso('2026-07-25T13:00:00')).toBe('2026-07-25T13:00:00.000Z');
  });

  it.each([
    ['2026-04-25T13:00:00.1Z', '.100Z'],
    ['2026-04-25T13:00:00.123456789Z', '.123Z'],
    ['2026-04-25T13:00:00,9999Z', '.999Z'],
  ])('should cut %s to the millisecond', (text, end) => {
    expect(iso(text)?.endsWith(end)).toBe(true);
  });

  it.each([
    '',
    'yesterday',
    '1714049999',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10',
    '2026-04-31',
    '2026-04-25T24:00:00Z',
    '2026-04-25T13:60:00Z',
    '2026-04-25T13:00:61Z',
    '2026-04-25T13:00:00+24:00',
    '2026-04-25T13:00:00+02:60',
    '2026-04-25T13:00:00 Z',
    '2026-04-25T13Z',
    ' 2026-04-25',
    '2026-04-25T13:00:00Z\n',
    '+02026-04-25T13:00:00Z',
  ])('should refuse %j', (text) => {
    expect(parseOccurredAt(text)).toBeUndefined();
  });
});
