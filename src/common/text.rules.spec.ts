import { isBlank } from './text.rules.js';

describe('isBlank', () => {
  it.each([
    ['nothing', ''],
    ['white space', ' \t\n\r\v\f\u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000'],
    ['zero width', '\u200b\u200c\u200d\u2060\ufeff\u180e'],
    ['format characters', '\u00ad\u061c\u200e\u202e\u2066\u206a\ufff9\u{e0001}\u{e007f}'],
    ['fillers', '\u115f\u1160\u3164\uffa0\u034f\u17b4'],
    ['variation selectors', '\ufe0f\u{e0100}\u180b'],
    ['symbols that are blank', '\u2800\u{1d159}\u{13441}\u{16fe4}'],
  ])('should hold for %s, each character alone and all together', (_what, text) => {
    expect(isBlank(text)).toBe(true);
    for (const character of text)
      expect([character.codePointAt(0), isBlank(character)]).toEqual([expect.any(Number), true]);
  });

  it.each(['a', ' a', '\u200ba', '\u3164\u{1f600}', '한', 'é', '.', '0', '~', '❤\ufe0f'])(
    'should not hold for %j',
    (text) => {
      expect(isBlank(text)).toBe(false);
    },
  );

  it('should leave control characters to their own rule', () => {
    expect(isBlank('\u0000')).toBe(false);
    expect(isBlank('\u007f')).toBe(false);
  });
});
