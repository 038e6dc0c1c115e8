import { readEvent, readEvents } from './track-body.js';

const bytes = (text: string): Buffer => Buffer.from(text);
const payloadOf = (text: string): string | undefined => {
  const { payload } = readEvent(bytes(text));
  return payload && Buffer.from(payload).toString();
};

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

  it.each([
    '{}',
    '{"payload":null}',
    '{"payload":{"a":1},"payload":null}',
    '{"payload_":{}}',
    '[]',
    '"payload"',
    'null',
  ])('should find no payload in %s', (text) => {
    expect(payloadOf(text)).toBeUndefined();
  });

  it('should count how deep the payload nests', () => {
    expect(readEvent(bytes('{"payload":{}}')).payloadDepth).toBe(1);
    expect(readEvent(bytes('{"payload":{"a":[{"b":"[[["}],"c":{}}}')).payloadDepth).toBe(3);
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

  it.each(['', '   ', '{', '{"a":1,}', "{'a':1}", 'undefined', '{"a":01}', '{"a":"\u0000"}', '{}{}'])(
    'should refuse %j as a bad request',
    (text) => {
      expect(() => readEvent(bytes(text))).toThrow(expect.objectContaining({ status: 400 }) as Error);
    },
  );

  it('should refuse bytes that are not UTF-8', () => {
    const body = Buffer.concat([bytes('{"user_id":"'), Buffer.from([0xc3, 0x28]), bytes('"}')]);
    expect(() => readEvent(body)).toThrow(
      expect.objectContaining({ body: { detail: 'The body is not valid UTF-8.' } }) as Error,
    );
  });
});

describe('readEvents', () => {
  const payloadsOf = (text: string) =>
    readEvents(bytes(text))?.map(({ payload }) => payload && Buffer.from(payload).toString());

  it('should read each event with its own payload', () => {
    const text =
      '{"sent_at":[1],"events":[{"payload":{"a":1}},7,null,[{}],{"user_id":"u"},{"payload":{"b":[2,"]"]}}],"x":{}}';
    expect(payloadsOf(text)).toEqual(['{"a":1}', undefined, undefined, undefined, undefined, '{"b":[2,"]"]}']);
    expect(readEvents(bytes(text))?.map(({ fields }) => fields)).toEqual(
      (JSON.parse(text) as { events: unknown[] }).events,
    );
  });

  it('should let the last of repeated keys count, as JSON.parse does', () => {
    expect(payloadsOf('{"events":[{"payload":{"a":1}},{}],"events":[{"payload":{"a":2}}]}')).toEqual(['{"a":2}']);
    expect(payloadsOf('{"events":7,"events":[{"payload":{"a":2}}]}')).toEqual(['{"a":2}']);
  });

  it.each(['[]', '{}', 'null', '7', '{"events":{}}', '{"events":null}', '{"events":[1],"events":{}}'])(
    'should find no list of events in %s',
    (text) => {
      expect(readEvents(bytes(text))).toBeUndefined();
    },
  );

  it('should tell an empty list from none', () => {
    expect(readEvents(bytes('{"events":[ ]}'))).toEqual([]);
  });
});
