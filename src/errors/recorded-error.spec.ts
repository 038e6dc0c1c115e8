import { plainText } from './recorded-error.js';

describe('plainText', () => {
  it.each([
    ['keep ordinary text of any script', 'Ünïcode 日本 😀', 'Ünïcode 日本 😀'],
    ['remove control characters', 'a\u0000b\nc\u001b[31md\u009fe', 'abc[31mde'],
    ['remove unpaired surrogates', 'a\ud800b\udc00c', 'abc'],
    ['cut what is too long', 'x'.repeat(30), 'x'.repeat(20)],
    ['count characters that take two units as one', '😀'.repeat(30), '😀'.repeat(20)],
    ['leave no half of a character at the cut', `x${'😀'.repeat(30)}`, `x${'😀'.repeat(19)}`],
    ['make an empty text of a number', 42, ''],
    ['make an empty text of an object', { toString: () => 'secret' }, ''],
    ['make an empty text of nothing', undefined, ''],
  ])('should %s', (_, value, expected) => {
    expect(plainText(value, 20)).toBe(expected);
  });
});
