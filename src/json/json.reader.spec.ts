import { InvalidJsonError, JsonReader } from './json.reader.js';

/** Reads one value, and nothing may follow it. */
function read(text: string): unknown {
  const reader = new JsonReader(Buffer.from(text));
  const value = reader.readValue();
  reader.requireEnd();
  return value;
}

describe('JsonReader', () => {
  it.each([
    ...['{}', '[]', ' [ ] ', '\t{\r\n}', '[[],{}]', '{"a":[{"b":{}}],"c":[1,2]}', '[1 , 2]', '{"a" : 1 , "b":2}'],
    ...['0', '-0', '10', '1.5', '-1.50e+3', '1E5', '1e-05', '0.0', '123456789012345678901234567890'],
    ...['true', 'false', 'null', '""', '"é 😀 \u2028 \u007f"', '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00"'],
    '{"a":1,"a":2}',
  ])('should read %j as JSON.parse does', (text) => {
    expect(read(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ...['', ' ', '{', '}', '[', ']', '[1', '[1,', '[1,]', '[,1]', '[1 2]', '[1}', '{]', '{}{}', '1 2', '[]]'],
    ...['{"a"}', '{"a":}', '{"a":1,}', '{,"a":1}', '{"a" 1}', '{"a":1 "b":2}', '{a:1}', "{'a':1}", '{1:1}', '{"a":1]'],
    ...['01', '-', '+1', '.5', '1.', '1.e5', '1e', '1e+', '--1', '0x10', '1_000', 'NaN', 'Infinity', '１'],
    ...['tru', 'truE', 'nul', 'nulls', 'False', 'undefined', '"', '"a', '"\\', '"\\"', '"a\nb"', '"\u0000"', '"\t"'],
    ...['"\\x"', '"\\u"', '"\\u12"', '"\\u12g4"', '"\\U0041"', "'a'", '\u00a0[]', '\ufeff[]', '[]\u00a0', '/**/1'],
  ])('should refuse %j as JSON.parse does', (text) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    expect(() => read(text)).toThrow(InvalidJsonError);
  });

  it('should go as deep as a text does', () => {
    const depth = 1_000_000;
    const reader = new JsonReader(Buffer.from('['.repeat(depth) + ']'.repeat(depth)));
    reader.skipValue();
    expect(reader.depth).toBe(depth);
    expect(() => {
      new JsonReader(Buffer.from('[{"a":'.repeat(depth))).skipValue();
    }).toThrow(InvalidJsonError);
  });

  it('should move from member to member, and into those that are asked for', () => {
    const reader = new JsonReader(Buffer.from('{"a":[1,{"b":2}],"\\u0062":{"a":{}},"c":"d","":[]}'));
    const seen: unknown[] = [];
    reader.enter();
    while (reader.nextMember()) {
      if (reader.isNamed(Buffer.from('a'))) {
        reader.enter();
        while (reader.nextElement()) seen.push(reader.readValue());
      } else if (reader.isNamed(Buffer.from('b'))) {
        reader.enter();
        while (reader.nextMember()) seen.push([reader.key, reader.isAtObject(), reader.readValue()]);
      } else {
        seen.push(reader.key);
        reader.skipValue();
      }
    }
    reader.requireEnd();
    expect(seen).toEqual([1, { b: 2 }, ['a', true, {}], 'c', '']);
  });

  it.each(['{"a":1', '{"a":1 "b":2}', '{"a":1,}', '{"a":1]', '{"a"'])(
    'should refuse %j when it is walked through, too',
    (text) => {
      const walk = () => {
        const reader = new JsonReader(Buffer.from(text));
        reader.enter();
        while (reader.nextMember()) reader.skipValue();
      };
      expect(walk).toThrow(InvalidJsonError);
    },
  );
});
