import { collectEvents } from '../../test/support/collect-events.js';
import type { ApiError } from '../common/errors.js';
import { type ReceivedEvent, readEvent } from './track-body.js';

const bytes = (text: string): Buffer => Buffer.from(text);
/** The text of a payload that is an object; anything else that was sent for one, parsed. */
const textOf = ({ fields }: ReceivedEvent): unknown =>
  Buffer.isBuffer(fields?.payload) ? fields.payload.toString() : fields?.payload;
const payloadOf = (text: string): unknown => textOf(readEvent(bytes(text)));

describe('readEvent', () => {
  it.each([
    ['{"payload":{"id":820982911946154508}}', '{"id":820982911946154508}'],
    ['{"payload":{"a":1.50,"b":1e3,"c":-0}}', '{"a":1.50,"b":1e3,"c":-0}'],
    ['{ "x" : [ {} , "]" ] , "payload" : { "a" : null } }', '{ "a" : null }'],
    ['{"payload":{"brace":"}","quote":"\\"}","end":"\\\\"}}', '{"brace":"}","quote":"\\"}","end":"\\\\"}'],
    ['{"payload":{"unicode":"Zoë 🛒"},"user_id":"u"}', '{"unicode":"Zoë 🛒"}'],
    ['{"p\\u0061yload":{"a":1}}', '{"a":1}'],
    ['{"payload":{"a":1},"payload":{"a":2}}', '{"a":2}'],
    ['{"nested":{"payload":{"a":1}},"payload":{}}', '{}'],
    ['\ufeff{"payload":{"a":1}}', '{"a":1}'],
    ['\n\t {"payload"\r\n:\t{"a":1}\n}\n', '{"a":1}'],
  ])('should find the payload in %s exactly as it was sent', (text, payload) => {
    expect(payloadOf(text)).toBe(payload);
  });

  it.each(['{}', '{"payload_":{}}', '[]', '"payload"', 'null'])('should find no payload in %s', (text) => {
    expect(payloadOf(text)).toBeUndefined();
  });

  it.each([
    ['{"payload":null}', null],
    ['{"payload":{"a":1},"payload":null}', null],
    ['{"payload":[{"a":1}]}', [{ a: 1 }]],
    ['{"payload":"{}"}', '{}'],
    ['{"payload":7}', 7],
  ])('should tell in %s what came in place of an object', (text, payload) => {
    expect(payloadOf(text)).toEqual(payload);
  });

  it('should read the fields that mean something, as JSON.parse does, and no other', () => {
    const event = {
      ...{ user_id: 'zoë "z"\n😀', event_type: 7, occurred_at: null, anonymous_id: ['a'], event_id: '' },
      ...{ __proto__: null, constructor: 1, user: 'u' },
    };
    const { user_id, event_type, occurred_at, anonymous_id, event_id } = event;
    const read = { user_id, event_type, occurred_at, anonymous_id, event_id, payload: undefined };
    expect(readEvent(bytes(JSON.stringify(event))).fields).toStrictEqual(read);
    expect(readEvent(bytes('{"user_id":"a","user\\u005fid":"\\u0062"}')).fields).toMatchObject({ user_id: 'b' });
  });

  it.each(['[]', '"payload"', 'null', '7'])('should tell that %s is no event', (text) => {
    expect(readEvent(bytes(text)).fields).toBeUndefined();
  });

  it('should count how deep the payload nests', () => {
    expect(readEvent(bytes('{"payload":{}}')).payloadDepth).toBe(1);
    expect(readEvent(bytes('{"payload":{"a":[{"b":"[[["}],"c":{}}}')).payloadDepth).toBe(3);
    expect(readEvent(bytes('{"payload":{"a":{}},"payload":{},"x":[[[[]]]]}')).payloadDepth).toBe(1);
  });

  it('should count the bytes of the event, and not what surrounds it', () => {
    expect(readEvent(bytes('  {"a":"é"}  ')).bytes).toBe(10);
  });

  it.each([
    ...[
      '"\\ud800"',
      '"\\uDFFF"',
      '1e400',
      '-1E+999',
      '1e22',
      '1e-400',
      '0.25e0500',
      '[1,1e400]',
      '[1e400]',
      '[ 2,\n\t9.5E999]',
    ],
    ...['9'.repeat(309), `[1,${'1'.repeat(700)}]`],
  ])('should find %s worth a closer look', (json) => {
    expect(readEvent(bytes(`{"payload":{"a":${json}}}`)).isSuspect).toBe(true);
    expect(readEvent(bytes(`{"payload":{"a" : ${json} }}`)).isSuspect).toBe(true);
  });

  it.each([
    '"\\u00e9"',
    '"\\ndd8"',
    'true',
    'false',
    '[1,true]',
    '820982911946154508',
    '9'.repeat(308),
    '"usr_3e400"',
    '"e123"',
  ])('should not look closer at %s', (json) => {
    expect(readEvent(bytes(`{"payload":{"a":${json}}}`)).isSuspect).toBe(false);
  });

  it.each(['', '   ', '{', '{"a":1,}', "{'a':1}", 'undefined', '{"a":01}', '{"a":"\u0000"}', '{}{}', '{}\u00a0'])(
    'should refuse %j as a bad request',
    (text) => {
      expect(() => readEvent(bytes(text))).toThrow(expect.objectContaining({ status: 400 }) as Error);
    },
  );

  it('should refuse bytes that are not UTF-8', () => {
    const body = Buffer.concat([bytes('{"user_id":"'), Buffer.from([0xc3, 0x28]), bytes('"}')]);
    expect(() => readEvent(body)).toThrow(
      expect.objectContaining({ body: { detail: 'The body is not valid UTF-8: line 1, column 13.' } }) as Error,
    );
  });
});

describe('A body that cannot be read', () => {
  const good = '{"user_id":"Zo\u00eb \ud83d\ude00","payload":{"a":"\ufffd"}}';
  const detailOf = (body: Buffer): unknown => {
    try {
      collectEvents(body);
    } catch (error) {
      return (error as ApiError).body['detail'];
    }
    return undefined;
  };
  const notJson = 'The body is not valid JSON: ';
  const notUtf8 = 'The body is not valid UTF-8: ';

  it.each([
    [`{"events":[${good},{"total":NaN}]}`, `${notJson}line 1, column 61. It is in the event with index 1.`],
    [
      `{"events":[\n${good},\n  {"a":\n   undefined}\n]}`,
      `${notJson}line 4, column 4. It is in the event with index 1.`,
    ],
    [`{"events":[${good}${good}]}`, `${notJson}line 1, column 51.`],
    [`{"events":[${good},]}`, `${notJson}line 1, column 52. It is in the event with index 1.`],
    ['{"events":[{"a":"\n"}]}', `${notJson}line 1, column 18. It is in the event with index 0.`],
    ['{"events":[{"a":"\\x"}]}', `${notJson}line 1, column 19. It is in the event with index 0.`],
    ['{"events":[{},{"a":[1,2', `${notJson}it ends too early, at line 1, column 24. It is in the event with index 1.`],
    ['{"events":[],"events":[{},{},-]}', `${notJson}line 1, column 31. It is in the event with index 2.`],
    ["{'events':[]}", `${notJson}line 1, column 2.`],
    ['{"sent":01,"events":[{}]}', `${notJson}line 1, column 10.`],
    ['{"events":[{}]} {}', `${notJson}line 1, column 17.`],
    ['[{]', `${notJson}line 1, column 3.`],
    [' ', `${notJson}it ends too early, at line 1, column 2.`],
  ])('should be told where it breaks: %j', (text, detail) => {
    expect(detailOf(bytes(text))).toBe(detail);
    expect(detailOf(bytes(`\ufeff${text}`))).toBe(detail);
  });

  it.each([
    ['latin-1', [0xeb, 0x20]],
    ['a character cut short', [0xef, 0xbf, 0x22]],
    ['an overlong form', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a stray continuation', [0xbd]],
  ])('should be told where it is not UTF-8: %s', (_what, wrong) => {
    const body = Buffer.concat([bytes(`{"events":[${good},\n{"user_id":"Zo`), Buffer.from(wrong), bytes('"}]}')]);
    expect(detailOf(body)).toBe(`${notUtf8}line 2, column 15. It is in the event with index 1.`);
    const outside = Buffer.concat([bytes('{"events":[{}],"x":"'), Buffer.from(wrong), bytes('"}')]);
    expect(detailOf(outside)).toBe(`${notUtf8}line 1, column 21.`);
  });
});

describe('readEvents', () => {
  const read = (text: string, limit?: number) => collectEvents(bytes(text), limit);
  const payloadsOf = (text: string) => read(text).events.map(textOf);

  it('should read each event with its own payload', () => {
    const text =
      '{"sent_at":[1],"events":[{"payload":{"a":1}},7,null,[{}],{"user_id":"u"},{"payload":{"b":[2,"]"]}}],"x":{}}';
    expect(payloadsOf(text)).toEqual(['{"a":1}', undefined, undefined, undefined, undefined, '{"b":[2,"]"]}']);
    expect(read(text).count).toBe(6);
    expect(read(text).events.map(({ fields }) => fields?.user_id)).toEqual([
      ...[undefined, undefined, undefined, undefined, 'u', undefined],
    ]);
  });

  it('should let the last of repeated keys count, as JSON.parse does', () => {
    expect(payloadsOf('{"events":[{"payload":{"a":1}},{}],"events":[{"payload":{"a":2}}]}')).toEqual(['{"a":2}']);
    expect(payloadsOf('{"events":7,"events":[{"payload":{"a":2}}]}')).toEqual(['{"a":2}']);
    expect(read('{"events":[{},{}],"events":[{}]}').count).toBe(1);
  });

  it.each(['[]', '{}', 'null', '7', '{"events":{}}', '{"events":null}', '{"events":[1],"events":{}}'])(
    'should find no list of events in %s',
    (text) => {
      expect(read(text).count).toBeUndefined();
    },
  );

  it('should tell an empty list from none', () => {
    expect(read('{"events":[ ]}').count).toBe(0);
  });

  it('should count what is beyond the limit, check it, and give it to nobody', () => {
    expect(read('{"events":[{},{},{"user_id":"u"}]}', 2)).toMatchObject({ count: 3, events: [{}, {}] });
    expect(read('{"events":[{},{},{"user_id":"u"}]}', 2).events).toHaveLength(2);
    expect(() => read('{"events":[{},{},{"user_id":u}]}', 2)).toThrow();
  });
});
