import { CompiledSchema } from './compiled-schema.js';
import { inferProperties } from './schema-inference.js';

/** The type proposed for a property that has these values in as many events. */
function typeFor(...values: unknown[]): string | undefined {
  return inferProperties(values.map((value) => ({ a: value })))[0]?.type;
}

describe('inferProperties', () => {
  it.each([
    ['number', [1, -2.5]],
    ['number', [1, '2', ' 3.0 ']],
    ['boolean', [true, false]],
    ['boolean', [true, 'FALSE']],
    ['datetime', ['2026-04-25T13:00:00Z', '2026-04-25 13:00']],
    ['string', ['x', '']],
    ['string', ['01067', '12']],
    ['string', ['12', '34']],
    ['string', ['true', 'false']],
    ['string', ['2026-04-25', '2026-04-26']],
    ['string', ['2026-04-25T13:00:00Z', '2026-04-25']],
    ['string', ['2026-04-25T13:00:00Z', 'soon']],
    ['array', [[], [1, 'x']]],
  ])('should propose a %s for %j', (type, values) => {
    expect(typeFor(...values)).toBe(type);
  });

  it.each([
    [[{}]],
    [[{ b: 1 }, 'x']],
    [[1, 'x']],
    [[1, '']],
    [[1, true]],
    [[true, 'yes']],
    [[1, 'true', true]],
    [[[], 'x']],
    [[1, Infinity]],
    [[null, null]],
  ])('should leave out a property that has the values %j', (values) => {
    expect(typeFor(...values)).toBeUndefined();
  });

  it('should require what every event has, and null is not having it', () => {
    expect(
      inferProperties([
        { a: 1, b: 1, c: null },
        { a: 2, b: null, c: 1 },
        { b: 3, a: 0 },
      ]),
    ).toEqual([
      { name: 'a', type: 'number', required: true },
      { name: 'b', type: 'number', required: false },
      { name: 'c', type: 'number', required: false },
    ]);
  });

  it.each([undefined, null, [], 'x'])('should require nothing when an event has the payload %j', (payload) => {
    expect(inferProperties([{ a: 1 }, payload])).toEqual([{ name: 'a', type: 'number', required: false }]);
  });

  it('should propose nothing for no events', () => {
    expect(inferProperties([])).toEqual([]);
  });

  it('should name properties in the order in which they first appear', () => {
    const names = inferProperties([
      { z: 1, a: 1 },
      { m: 1, a: 1, z: 1 },
    ]).map(({ name }) => name);
    expect(names).toEqual(['z', 'a', 'm']);
  });

  it('should propose at most 200 properties, not counting those it leaves out', () => {
    const payload = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`p${i}`, i % 2 === 0 ? {} : i]));
    const properties = inferProperties([payload]);
    expect(properties).toHaveLength(200);
    expect(properties[199]?.name).toBe('p399');
  });

  it.each(['', 'a\u0000b', 'x'.repeat(256), '\ud800'])('should leave out %j, which no schema may name', (name) => {
    expect(inferProperties([{ [name]: 1, b: 1 }]).map((property) => property.name)).toEqual(['b']);
  });

  it.each(['__proto__', 'constructor', 'toString'])('should propose a property called %s', (name) => {
    expect(inferProperties([JSON.parse(`{"${name}":1}`), JSON.parse(`{"${name}":"2"}`)])).toEqual([
      { name, type: 'number', required: true },
    ]);
  });

  it('should propose a schema that accepts every event it was inferred from', () => {
    const random = seeded(20_260_425);
    let proposed = 0;
    for (let round = 0; round < 2_000; round++) {
      const texts = randomPayloads(random);
      const properties = inferProperties(texts.map((text) => JSON.parse(text) as unknown));
      proposed += properties.length;
      const schema = new CompiledSchema(properties);
      for (const text of texts) {
        const result = schema.apply(JSON.parse(text), Buffer.from(text));
        expect({ text, properties, result }).toMatchObject({ result: { valid: true } });
        expectOnlyCoercions(text, result.valid ? Buffer.from(result.payload!).toString() : '');
      }
    }
    expect(proposed).toBeGreaterThan(2_000);
  });
});

/** JSON texts. */
const VALUES = [
  'null',
  '1',
  '-0',
  '2.50',
  '1e3',
  '820982911946154508',
  '1e400',
  '"1"',
  '" 2.0 "',
  '"820982911946154508"',
  '"1e400"',
  '"01"',
  '"+1"',
  'true',
  'false',
  '"True"',
  '" false"',
  '"yes"',
  '"2026-04-25T13:00:00Z"',
  '"2026-04-25 13:00"',
  '"2026-04-25"',
  '"2026-02-30T00:00:00Z"',
  '"12:30"',
  '""',
  '"x"',
  '"\\u0031"',
  '"\\""',
  '"🛒"',
  '{}',
  '{"a":"1"}',
  '[]',
  '["1"]',
];
const KEYS = ['a', 'b', '\\u0061', 'c\\\\d', 'c\\bd', '__proto__', 'constructor', 'é', '1'];

/** Payloads of one event type, as texts. Each key draws from few values, so that many properties get a type. */
function randomPayloads(random: () => number): string[] {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const palettes = new Map(KEYS.map((key) => [key, [pick(VALUES), pick(VALUES)]]));
  return Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
    const members = Array.from({ length: Math.floor(random() * 7) }, () => pick(KEYS));
    return `{${members.map((key) => ` "${key}" :${pick(palettes.get(key)!)}`).join(',')}}`;
  });
}

/** Parsed, what is stored differs from what was sent only where a text became the number or boolean that it stood for. */
function expectOnlyCoercions(sent: string, stored: string): void {
  const before = Object.entries(JSON.parse(sent) as object);
  const after = Object.entries(JSON.parse(stored) as object);
  expect(after.map(([key]) => key)).toEqual(before.map(([key]) => key));
  for (const [index, [, value]] of after.entries()) {
    const was: unknown = before[index]![1];
    const stoodFor = typeof value === 'number' ? Number(was) : String(was).trim().toLowerCase() === 'true';
    expect(value).toEqual(typeof was === 'string' && typeof value !== 'string' ? stoodFor : was);
  }
}

/** Mulberry32: the same numbers from 0 to 1 in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
