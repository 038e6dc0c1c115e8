import { readWebhookBody } from './webhook.fields.js';
import { ShopifyObject } from './shopify.object.js';

function read(json: string): ShopifyObject {
  const body = readWebhookBody(Buffer.from(json));
  if (!body.valid) throw new Error(body.detail);
  return body.object;
}

describe('ShopifyObject', () => {
  it.each([
    ['{"id":450789469}', '450789469'],
    ['{"id":9007199254740991}', '9007199254740991'],
    ['{"id":9007199254740992}', '9007199254740992'],
    ['{"id":9007199254740993}', '9007199254740993'],
    ['{"id":820982911946154508}', '820982911946154508'],
    ['{"id":18446744073709551615}', '18446744073709551615'],
    ['{"id": 820982911946154508 }', '820982911946154508'],
    ['{"x":{"id":1},"y":[{"id":2}],"id":820982911946154508,"z":"\\"id\\":3"}', '820982911946154508'],
    ['{"id":1,"id":820982911946154508}', '820982911946154508'],
    ['{"id":820982911946154508,"id":9007199254740993}', '9007199254740993'],
    ['{"\\u0069d":820982911946154508}', '820982911946154508'],
    ['\ufeff{"id":820982911946154508}', '820982911946154508'],
    ['{"id":"820982911946154508"}', '820982911946154508'],
    ['{"id":" Z2NwLWV1 "}', 'Z2NwLWV1'],
  ])('should read the id of %s digit for digit', (json, id) => {
    expect(read(json).id('id')).toBe(id);
  });

  it.each([
    '{}',
    '{"id":null}',
    '{"id":""}',
    '{"id":" "}',
    '{"id":0}',
    '{"id":-5}',
    '{"id":1.5}',
    '{"id":1e300}',
    '{"id":1e400}',
    '{"id":true}',
    '{"id":{"id":1}}',
    '{"id":[1]}',
    '{"id":"\\ud800"}',
    `{"id":${'9'.repeat(200)}}`,
  ])('should find no id in %s', (json) => {
    expect(read(json).id('id')).toBeUndefined();
  });

  it('should read ids of objects in objects and in lists digit for digit', () => {
    const object = read(
      '{"a":{"b":{"id":820982911946154508}},"list":[7,{"id":9007199254740993},{"id":9007199254740995}]}',
    );
    expect(object.object('a')?.object('b')?.id('id')).toBe('820982911946154508');
    expect(object.objects('list')?.map((element) => element.id('id'))).toEqual([
      undefined,
      '9007199254740993',
      '9007199254740995',
    ]);
  });

  it('should read a list of ids digit for digit, and leave out what is none', () => {
    const object = read('{"ids":[820982911946154508,null,"9007199254740993",{},9007199254740995],"other":5}');
    expect(object.ids('ids')).toEqual(['820982911946154508', '9007199254740993', '9007199254740995']);
    expect(object.ids('other')).toEqual([]);
    expect(object.ids('absent')).toEqual([]);
  });

  it('should tell fields of another type from those that were asked for', () => {
    const object = read('{"text":"a","number":5,"flag":false,"list":[1,2],"object":{},"null":null,"big":1e300}');
    const names = ['text', 'number', 'flag', 'list', 'object', 'null', 'big', 'absent'];
    expect(names.filter((name) => object.text(name) !== undefined)).toEqual(['text']);
    expect(names.filter((name) => object.wholeNumber(name) !== undefined)).toEqual(['number']);
    expect(names.filter((name) => object.flag(name) !== undefined)).toEqual(['flag']);
    expect(names.filter((name) => object.count(name) !== undefined)).toEqual(['list']);
    expect(names.filter((name) => object.objects(name) !== undefined)).toEqual(['list']);
    expect(names.filter((name) => object.object(name) !== undefined)).toEqual(['object']);
  });

  it('should look into the text once for all digits of a list, not once an element, which for a large body would take hours', () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `9007199254${String(740_993 + index)}`);
    const text = `{"ids":[${ids.join(',')}],"line_items":[${ids.map((id) => `{"id":${id}}`).join(',')}]}`;
    const source = jest.fn(() => Buffer.from(text));
    const object = new ShopifyObject(JSON.parse(text) as Record<string, unknown>, source);
    expect(object.ids('ids')).toEqual(ids);
    expect(source).toHaveBeenCalledTimes(1);
    expect(object.objects('line_items')?.map((element) => element.id('id'))).toEqual(ids);
    expect(source).toHaveBeenCalledTimes(2);
  });
});
