import * as fc from 'fast-check';

const space = fc.constantFrom('', '', '', ' ', '\n', '\t ', '\r\n');

/** The text between the quotes of a string: raw characters of all planes, and escapes, lone surrogates among them. */
const stringPiece = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('a', 'Z', '7', '_', 'payload', 'events', '{', '}', '[', ']', ',', ':', "'") },
  {
    weight: 3,
    arbitrary: fc
      .string({ unit: 'binary', maxLength: 4 })
      .map((text) => JSON.stringify(text.toWellFormed()).slice(1, -1)),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('\\"', '\\\\', '\\/', '\\b', '\\n', '\\u0000', '\\u0061', '\u007f', '\ufeff'),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 0xffff }).map((code) => `\\u${code.toString(16).padStart(4, '0')}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('\\ud83d\\ude00', '\\uD83D', '\\udfff', '\\uDE00\\uD83D', '😀', '\u2028') },
);

/** Text of a JSON string, with its quotes. */
export const jsonString = fc.array(stringPiece, { maxLength: 6 }).map((pieces) => `"${pieces.join('')}"`);

const jsonNumber = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }).map(String),
  fc.constantFrom(
    '-0',
    '0.0',
    '1e400',
    '-1E+400',
    '1e308',
    '2e308',
    '1e-400',
    '0e999',
    '9007199254740993',
    '9'.repeat(308),
  ),
  fc.constantFrom(`1${'0'.repeat(309)}`, `0.${'9'.repeat(400)}`, '1e00000000000000000005', '5E+0308'),
);

const jsonKey = fc.oneof(
  jsonString,
  fc.constantFrom(
    '"payload"',
    '"p\\u0061yload"',
    '"events"',
    '"user_id"',
    '"__proto__"',
    '"constructor"',
    '""',
    '"a.b"',
  ),
);

const list = (open: string, members: readonly string[], close: string, gap: string): string =>
  `${open}${gap}${members.join(`${gap},${gap}`)}${gap}${close}`;

const { value, object } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    { weight: 4, arbitrary: fc.oneof(jsonString, jsonNumber, fc.constantFrom('true', 'false', 'null')) },
    { weight: 2, arbitrary: tie('object') },
    { weight: 2, arbitrary: tie('array') },
  ),
  object: fc.tuple(fc.array(fc.tuple(jsonKey, tie('value'), space), { maxLength: 5 }), space).map(([members, gap]) =>
    list(
      '{',
      members.map(([key, text, around]) => `${key}${around}:${around}${text}`),
      '}',
      gap,
    ),
  ),
  array: fc
    .tuple(fc.array(tie('value'), { maxLength: 5 }), space)
    .map(([elements, gap]) => list('[', elements, ']', gap)),
}));

const nested = fc
  .tuple(fc.integer({ min: 1, max: 80 }), fc.constantFrom(['[', ']'], ['{"a":', '}']), value)
  .map(([depth, [open = '', close = ''], inside]) => `${open.repeat(depth)}${inside}${close.repeat(depth)}`);

/** Any JSON text that `JSON.parse` takes, as odd as JSON can be. */
export const jsonDocument = fc
  .tuple(space, fc.oneof({ weight: 5, arbitrary: value }, { weight: 1, arbitrary: nested }), space)
  .map((parts) => parts.join(''));

export const jsonValue = value;
export const jsonObject = fc.oneof(
  { weight: 6, arbitrary: object },
  { weight: 1, arbitrary: nested.map((inside) => `{"deep":${inside}}`) },
);

/** Bytes that are JSON, nearly JSON, or nothing of the kind. */
export const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  jsonDocument.map((text) => Buffer.from(text)),
  fc.tuple(jsonDocument, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([text, at, byte]) => {
    const bytes = Buffer.from(text);
    if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes;
  }),
  fc.tuple(jsonDocument, fc.nat()).map(([text, at]) => Buffer.from(text).subarray(0, at % (text.length + 1))),
);
