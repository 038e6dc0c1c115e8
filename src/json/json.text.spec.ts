import { readBodyText, readJsonText, tooDeepAt } from './json.text.js';

describe('tooDeepAt', () => {
  it.each([
    ['lists', '['.repeat(5_000_000), 64],
    ['objects', '{"a":'.repeat(1_000_000), 64 * 5],
    ['both in turns', '[{"a":'.repeat(1_000_000), 32 * 6],
    ['lists behind a scalar', `[1,"]",${'['.repeat(1_000)}`, 7 + 63],
  ])('should look no further than the first level too many of %s', (_, json, place) => {
    const seen: number[] = [];
    const bytes = new Proxy(Buffer.from(json), {
      get: (target, name) => {
        if (typeof name === 'string' && /^\d+$/.test(name)) seen.push(Number(name));
        return Reflect.get(target, name, target) as unknown;
      },
    });
    expect(tooDeepAt(bytes)).toBe(place);
    expect(Math.max(...seen)).toBe(place);
    expect(seen.length).toBeLessThanOrEqual(3 * (place + 1));
  });

  it.each([
    ['64 levels', '['.repeat(64) + ']'.repeat(64)],
    ['as many lists as one likes side by side', `[${'[],'.repeat(1_000)}{}]`],
    ['brackets in a string', `["${'['.repeat(100)}"]`],
    ['brackets behind an escaped quote', `["\\"${'['.repeat(100)}"]`],
    ['brackets in a key', `{"${'{'.repeat(100)}\\\\":1}`],
    ['a string without end', `"${'['.repeat(100)}`],
    ['an escape without end', '"\\'],
    ['nothing', ''],
  ])('should pass %s', (_, json) => {
    expect(tooDeepAt(Buffer.from(json))).toBeUndefined();
  });
});

describe('readJsonText', () => {
  it('should not parse what nests too deep', () => {
    const parse = jest.spyOn(JSON, 'parse');
    const read = readJsonText(Buffer.from('['.repeat(65)));
    const parsed = parse.mock.calls.length;
    parse.mockRestore();
    expect(read).toEqual({ valid: false, detail: 'The body must not nest more than 64 levels.' });
    expect(parsed).toBe(0);
  });

  it('should read what nests just as deep as it may', () => {
    expect(readJsonText(Buffer.from('['.repeat(64) + ']'.repeat(64)))).toMatchObject({ valid: true });
  });
});

describe('readBodyText', () => {
  it.each(['\ufeff{}', '{}'])('should skip the byte order mark of %j', (text) => {
    expect(readBodyText(Buffer.from(text))).toEqual({ valid: true, json: Buffer.from('{}') });
  });

  it.each([
    ['latin-1', Buffer.from('{"a":"Zo\xeb"}', 'latin1')],
    ['UTF-16', Buffer.from('\ufeff{}', 'utf16le')],
    ['a lone surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a longer form than needed', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['a character cut short', Buffer.from([0x22, 0xe2, 0x82])],
  ])('should refuse %s', (_, bytes) => {
    expect(readBodyText(bytes)).toEqual({
      valid: false,
      detail: expect.stringMatching(/^The body is not valid UTF-8: line 1, column \d+\.$/),
      offset: expect.any(Number),
    });
  });
});
