import { Configuration } from '../config/configuration.js';
import { EventValidator } from './event.validator.js';
import { readEvent } from './track-body.js';

const validator = new EventValidator(new Configuration());
const DAY_MS = 86_400_000;

function errorsOf(event: unknown): string[] {
  const text = typeof event === 'string' ? event : JSON.stringify(event);
  const result = validator.validate(readEvent(Buffer.from(text)));
  return result.valid ? [] : result.errors.map(({ field, code }) => `${field}: ${code}`);
}

const event = (fields: object) => ({ user_id: 'u1', event_type: 'page_viewed', ...fields });

describe('EventValidator', () => {
  it.each([
    event({}),
    event({ user_id: 'é'.repeat(255) }),
    event({ user_id: '🛒'.repeat(255) }),
    event({ event_type: 'a'.repeat(100) }),
    event({ occurred_at: '1970-01-01T00:00:00Z' }),
    event({ occurred_at: new Date(Date.now() + DAY_MS - 60_000).toISOString() }),
    event({ payload: { a: null, b: [1, { c: 'x' }] } }),
    event({ occurred_at: null, payload: null, anonymous_id: null, event_id: null }),
    event({ anonymous_id: '', event_id: '', occurred_at: '', payload: '' }),
    event({ payload: [] }),
    event({ user_id: '\u200bz', event_id: '\u3164', anonymous_id: '\u00a0', occurred_at: ' ', payload: ' ' }),
    event({ event_id: ` ${'\u200b'.repeat(300)}` }),
    event({ event_id: 'x'.repeat(128) }),
    event({ unknown: { deeply: ['ignored'] }, constructor: 1 }),
  ])('should accept %j', (fields) => {
    expect(errorsOf(fields)).toEqual([]);
  });

  it.each([
    [{ event_type: 'page_viewed' }, 'user_id: required'],
    [event({ user_id: null }), 'user_id: required'],
    [event({ user_id: 7 }), 'user_id: invalid_type'],
    [event({ user_id: '' }), 'user_id: blank'],
    [event({ user_id: ' \t\u00a0' }), 'user_id: blank'],
    [event({ user_id: '\u200b\u2060\u3164' }), 'user_id: blank'],
    [event({ user_id: 'x'.repeat(256) }), 'user_id: too_long'],
    [event({ user_id: 'a\u0000b' }), 'user_id: control_character'],
    [event({ user_id: 'a\u0085b' }), 'user_id: control_character'],
    [event({ user_id: 'a\ud800b' }), 'user_id: invalid_unicode'],
    [event({ event_type: undefined }), 'event_type: required'],
    [event({ event_type: ['a'] }), 'event_type: invalid_type'],
    [event({ event_type: 'Page Viewed' }), 'event_type: invalid_format'],
    [event({ event_type: '_page' }), 'event_type: invalid_format'],
    [event({ event_type: 'page_viewed\n' }), 'event_type: invalid_format'],
    [event({ event_type: 'a'.repeat(101) }), 'event_type: too_long'],
    [event({ occurred_at: 1714049999 }), 'occurred_at: invalid_type'],
    [event({ occurred_at: 'soon' }), 'occurred_at: invalid_format'],
    [event({ occurred_at: '1969-12-31T23:59:59Z' }), 'occurred_at: out_of_range'],
    [event({ occurred_at: '9999-12-31T23:59:59Z' }), 'occurred_at: out_of_range'],
    [event({ occurred_at: new Date(Date.now() + DAY_MS + 60_000).toISOString() }), 'occurred_at: out_of_range'],
    [event({ payload: [{}] }), 'payload: invalid_type'],
    [event({ payload: false }), 'payload: invalid_type'],
    [event({ event_id: [] }), 'event_id: invalid_type'],
    [event({ event_id: '\u0000' }), 'event_id: control_character'],
    [event({ payload: 'text' }), 'payload: invalid_type'],
    [event({ anonymous_id: 'x'.repeat(256) }), 'anonymous_id: too_long'],
    [event({ event_id: 'x'.repeat(129) }), 'event_id: too_long'],
    [event({ event_id: 5 }), 'event_id: invalid_type'],
    [[], 'event: invalid_type'],
    ['"text"', 'event: invalid_type'],
    ['null', 'event: invalid_type'],
  ])('should refuse %j', (fields, error) => {
    expect(errorsOf(fields)).toEqual([error]);
  });

  it('should report one error for each field', () => {
    expect(errorsOf({ user_id: '', event_type: 'A B', occurred_at: 5, payload: 1 })).toEqual([
      'user_id: blank',
      'event_type: invalid_format',
      'occurred_at: invalid_type',
      'payload: invalid_type',
    ]);
  });

  it('should propose a snake_case name', () => {
    const result = validator.validate(readEvent(Buffer.from(JSON.stringify(event({ event_type: 'Page Viewed' })))));
    expect(result).toMatchObject({ errors: [{ message: expect.stringContaining('"page_viewed"') as string }] });
  });

  it.each([
    ['{"a":"\\ud83d"}', 'payload: invalid_unicode'],
    ['{"\\udc00":1}', 'payload: invalid_unicode'],
    ['{"a":[{"b":"\\ude00\\ud83d"}]}', 'payload: invalid_unicode'],
    ['{"a":1e400}', 'payload: out_of_range'],
    [`{"a":[-${'9'.repeat(400)}]}`, 'payload: out_of_range'],
    ['{"a":1e400,"a":1}', 'payload: out_of_range'],
    ['{"a":{"b":"\\ud83d"},"a":1}', 'payload: invalid_unicode'],
  ])('should refuse the payload %s, which no reader could read', (payload, error) => {
    expect(errorsOf(`{"user_id":"u","event_type":"e","payload":${payload}}`)).toEqual([error]);
  });

  it.each([
    '{"a":"\\ud83d\\uded2"}',
    '{"a":"\\\\ud800"}',
    '{"a":"1e400"}',
    '{"a":"\\"1e400","b":[1E+2,-2e-400,true,null]}',
    '{"a":1e-400}',
    '{"a":123456789012345678901234567890}',
  ])('should accept the payload %s', (payload) => {
    expect(errorsOf(`{"user_id":"u","event_type":"e","payload":${payload}}`)).toEqual([]);
  });

  it('should accept 64 levels of nesting and refuse more', () => {
    const nested = (levels: number) =>
      `{"user_id":"u","event_type":"e","payload":${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}}`;
    expect(errorsOf(nested(64))).toEqual([]);
    expect(errorsOf(nested(65))).toEqual(['payload: too_deep']);
    expect(errorsOf(nested(5_000))).toEqual(['payload: too_deep']);
  });

  it('should keep __proto__ as the plain property that it is in JSON', () => {
    expect(
      errorsOf('{"user_id":"u","event_type":"e","payload":{"__proto__":{"a":1}},"__proto__":{"user_id":5}}'),
    ).toEqual([]);
    expect(errorsOf('{"event_type":"e","__proto__":{"user_id":"u"}}')).toEqual(['user_id: required']);
  });

  it('should refuse an event larger than the limit', () => {
    expect(errorsOf(event({ payload: { a: 'x'.repeat(262_144) } }))).toEqual(['event: too_large']);
  });
});
