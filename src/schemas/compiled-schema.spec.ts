import { CompiledSchema, type SchemaResult } from './compiled-schema.js';
import type { PropertyType, SchemaProperty } from './event-schema.js';

const optional = (name: string, type: PropertyType): SchemaProperty => ({ name, type, required: false });
const required = (name: string, type: PropertyType): SchemaProperty => ({ name, type, required: true });

function apply(properties: SchemaProperty[], text: string): SchemaResult {
  return new CompiledSchema(properties).apply(JSON.parse(text), Buffer.from(text));
}

function storedFor(properties: SchemaProperty[], text: string): string | undefined {
  const result = apply(properties, text);
  return result.valid ? result.payload && Buffer.from(result.payload).toString() : undefined;
}

function errorsOf(properties: SchemaProperty[], text: string): string[] {
  const result = apply(properties, text);
  return result.valid ? [] : result.errors.map(({ field, code }) => `${field}: ${code}`);
}

describe('CompiledSchema', () => {
  describe('for a value that has its type', () => {
    const cases: [PropertyType, string][] = [
      ['string', '"x"'],
      ['string', '""'],
      ['string', '"7"'],
      ['number', '0'],
      ['number', '-1.50e3'],
      ['number', '820982911946154508'],
      ['boolean', 'false'],
      ['datetime', '"2026-04-25T13:00:00Z"'],
      ['datetime', '"2026-04-25"'],
      ['array', '[]'],
      ['array', '[1,"x",{}]'],
    ];

    it.each(cases)('should take for a %s the value %s as it is', (type, value) => {
      const bytes = Buffer.from(`{ "a" : ${value} }`);
      const result = new CompiledSchema([required('a', type)]).apply(JSON.parse(bytes.toString()), bytes);
      expect(result).toEqual({ valid: true, payload: bytes });
      expect(result.valid && result.payload).toBe(bytes);
    });
  });

  describe('for a value of another type', () => {
    const cases: [PropertyType, string][] = [
      ['string', '7'],
      ['string', 'true'],
      ['string', '{}'],
      ['number', '"x"'],
      ['number', '""'],
      ['number', '" "'],
      ['number', '"12,50"'],
      ['number', '"1 000"'],
      ['number', '"+1"'],
      ['number', '".5"'],
      ['number', '"5."'],
      ['number', '"007"'],
      ['number', '"0x10"'],
      ['number', '"NaN"'],
      ['number', '"Infinity"'],
      ['number', '"1e999"'],
      ['number', '1e999'],
      ['number', 'true'],
      ['number', '[1]'],
      ['boolean', '"yes"'],
      ['boolean', '"1"'],
      ['boolean', '1'],
      ['boolean', '0'],
      ['boolean', '[]'],
      ['datetime', '1714049999'],
      ['datetime', '"yesterday"'],
      ['datetime', '"2026-02-30T00:00:00Z"'],
      ['datetime', '{}'],
      ['array', '{}'],
      ['array', '"[1]"'],
    ];

    it.each(cases)('should refuse for a %s the value %s', (type, value) => {
      expect(errorsOf([optional('a', type)], `{"a":${value}}`)).toEqual(['payload.a: invalid_type']);
    });
  });

  it('should say for each type what it must be', () => {
    const types: PropertyType[] = ['string', 'number', 'boolean', 'datetime', 'array'];
    const result = apply(
      types.map((type) => required(type, type)),
      '{"string":{},"number":{},"boolean":{},"datetime":{},"array":{}}',
    );
    expect(result).toEqual({
      valid: false,
      errors: [
        { field: 'payload.string', code: 'invalid_type', message: 'must be a string.' },
        { field: 'payload.number', code: 'invalid_type', message: 'must be a number, or text that is one.' },
        {
          field: 'payload.boolean',
          code: 'invalid_type',
          message: 'must be true or false, or text that is one of them.',
        },
        {
          field: 'payload.datetime',
          code: 'invalid_type',
          message: 'must be an ISO 8601 date and time, such as "2026-04-25T13:00:00.000Z".',
        },
        { field: 'payload.array', code: 'invalid_type', message: 'must be a list.' },
      ],
    });
  });

  describe('for text that is a number', () => {
    it.each([
      ['"820982911946154508"', '820982911946154508'],
      ['" 12.50 "', '12.50'],
      ['"\\t-0\\n"', '-0'],
      ['"1E+3"', '1E+3'],
      ['"\\u0031\\u0032"', '12'],
      ['"\\u00a07"', '7'],
    ])('should store %s as %s', (sent, stored) => {
      expect(storedFor([required('a', 'number')], `{"a":${sent}}`)).toBe(`{"a":${stored}}`);
    });
  });

  it.each([
    ['"true"', 'true'],
    ['"False"', 'false'],
    ['" TRUE "', 'true'],
  ])('should store the boolean sent as %s as %s', (sent, stored) => {
    expect(storedFor([required('a', 'boolean')], `{"a":${sent}}`)).toBe(`{"a":${stored}}`);
  });

  describe('when it coerces one member', () => {
    const price = [required('price', 'number')];

    it.each([
      [
        'the rest byte for byte',
        '{ "id":820982911946154508, "price" : "1.0" ,"x":[ 1.00 ,{"price":"2"}] }',
        '{ "id":820982911946154508, "price" : 1.0 ,"x":[ 1.00 ,{"price":"2"}] }',
      ],
      [
        'texts that look like members',
        '{"a":"\\"price\\":\\"1\\"","price":"2"}',
        '{"a":"\\"price\\":\\"1\\"","price":2}',
      ],
      ['keys and values beyond ASCII', '{"größe":"🛒","price":"2","é":"ü"}', '{"größe":"🛒","price":2,"é":"ü"}'],
      ['line breaks and tabs', '\n{\t"price"\r\n:\n"2"\t}\n', '\n{\t"price"\r\n:\n2\t}\n'],
      ['a key that has escapes', '{"pr\\u0069ce":"2"}', '{"pr\\u0069ce":2}'],
      ['an earlier member of that name', '{"price":"1","price":"2"}', '{"price":"1","price":2}'],
      ['an earlier member in escapes', '{"pr\\u0069ce":[],"price":"2","x":1}', '{"pr\\u0069ce":[],"price":2,"x":1}'],
    ])('should keep %s', (_what, sent, stored) => {
      expect(storedFor(price, sent)).toBe(stored);
    });

    it('should keep an earlier text when the last member of that name is a number', () => {
      expect(storedFor(price, '{"price":"1","price":2}')).toBe('{"price":"1","price":2}');
    });

    it('should leave the bytes around the payload alone', () => {
      const body = Buffer.from('{"payload":{"price":"2"},"user_id":"u"}');
      const sent = body.subarray(11, 24);
      const result = new CompiledSchema(price).apply({ price: '2' }, sent);
      expect(result.valid && Buffer.from(result.payload!).toString()).toBe('{"price":2}');
      expect(body.toString()).toBe('{"payload":{"price":"2"},"user_id":"u"}');
    });
  });

  it('should coerce several members in whatever order they stand', () => {
    const properties = [required('a', 'number'), required('b', 'boolean'), required('c', 'number')];
    expect(storedFor(properties, '{"c":"3","a":"0","x":"9","b":"true","a":"1"}')).toBe(
      '{"c":3,"a":"0","x":"9","b":true,"a":1}',
    );
  });

  it.each(['a\\b', 'a"b', '\\', '"', 'a/b', 'ключ', '🛒', ' ', '{', 'a:b,'])('should find the member %j', (name) => {
    const sent = `{"x":"1",${JSON.stringify(name)}:"2","y":"3"}`;
    expect(storedFor([required(name, 'number')], sent)).toBe(sent.replace('"2"', '2'));
  });

  it('should tell a backslash in a name from an escape in a key', () => {
    const sent = '{"a\\\\b":"1","a\\b":"2"}';
    expect(storedFor([required('a\\b', 'number')], sent)).toBe('{"a\\\\b":1,"a\\b":"2"}');
    expect(storedFor([required('a\b', 'number')], sent)).toBe('{"a\\\\b":"1","a\\b":2}');
  });

  describe('for a value that is not there', () => {
    const properties = [required('a', 'string'), optional('b', 'string')];

    it.each(['{}', '{"a":null}', '{"a":"x","a":null}', '{"b":"x"}'])('should miss the required one in %s', (text) => {
      expect(errorsOf(properties, text)).toEqual(['payload.a: required']);
    });

    it.each(['{"a":""}', '{"a":"x","b":null}'])('should not miss the optional one in %s', (text) => {
      expect(storedFor(properties, text)).toBe(text);
    });

    it.each([undefined, null])('should take %s for an empty payload', (payload) => {
      expect(new CompiledSchema(properties).apply(payload, undefined)).toEqual({
        valid: false,
        errors: [{ field: 'payload.a', code: 'required', message: 'is required.' }],
      });
      expect(new CompiledSchema([optional('b', 'string')]).apply(payload, undefined)).toEqual({
        valid: true,
        payload: undefined,
      });
    });
  });

  it('should report every broken property, in the order of the schema', () => {
    const properties = [required('z', 'number'), required('a', 'boolean'), required('m', 'string')];
    expect(errorsOf(properties, '{"a":"maybe","m":"x"}')).toEqual(['payload.z: required', 'payload.a: invalid_type']);
  });

  it('should let pass what the schema does not name', () => {
    const text = '{"other":{"deep":[null]},"n":"12"}';
    expect(storedFor([optional('a', 'number')], text)).toBe(text);
  });

  describe.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'length'])(
    'for a property called %s',
    (name) => {
      it('should miss it when it was not sent', () => {
        expect(errorsOf([required(name, 'string')], '{}')).toEqual([`payload.${name}: required`]);
      });

      it('should not take the one that every object has for a value', () => {
        expect(errorsOf([optional(name, 'number')], '{}')).toEqual([]);
      });

      it('should check and coerce it when it was sent', () => {
        expect(errorsOf([required(name, 'number')], `{"${name}":"x"}`)).toEqual([`payload.${name}: invalid_type`]);
        expect(storedFor([required(name, 'number')], `{"${name}":"1"}`)).toBe(`{"${name}":1}`);
      });
    },
  );
});
