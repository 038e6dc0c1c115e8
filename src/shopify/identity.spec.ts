import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ObjectKind, userIdOf } from './identity.js';
import { readWebhookBody } from './webhook.body.js';

const ORDER = readFileSync(join(__dirname, '../../test/fixtures/shopify/orders_create.json'), 'utf8');

function read(kind: ObjectKind, json: string): string | undefined {
  const body = readWebhookBody(Buffer.from(json));
  if (!body.valid) throw new Error(body.detail);
  return userIdOf(body.object, kind);
}

describe('userIdOf', () => {
  it('should go from source to source as they fall away', () => {
    const seen: (string | undefined)[] = [read('order', ORDER)];
    let order = ORDER;
    for (const [sent, instead] of [
      ['"email":"zoe@lindqvist.example"', '"email":""'],
      ['"contact_email":"post@lindqvist.example"', '"contact_email":null'],
      ['"email":"account@lindqvist.example"', '"email":"  "'],
      ['"customer":{', '"customer":null,"removed":{'],
      ['"cart_token":"Z2NwLWV1cm9wZS13ZXN0MTowMUh"', '"cart_token":null'],
      ['"checkout_token":"bd5a8aa1ecd019dd3520ff791ee3a24c"', '"checkout_token":""'],
    ] as const) {
      expect(order).toContain(sent);
      order = order.replace(sent, instead);
      seen.push(read('order', order));
    }
    expect(seen).toEqual([
      'zoe@lindqvist.example',
      'post@lindqvist.example',
      'account@lindqvist.example',
      '9007199254740993117',
      'anon_Z2NwLWV1cm9wZS13ZXN0MTowMUh',
      'anon_bd5a8aa1ecd019dd3520ff791ee3a24c',
      undefined,
    ]);
  });

  it("should take an object's own token for a cart and a checkout only", () => {
    const json = '{"id":7,"token":"t","cart_token":"c"}';
    const kinds = ['cart', 'checkout', 'order', 'refund', 'fulfillment', 'shop'] as const;
    expect(kinds.map((kind) => read(kind, json))).toEqual(['anon_t', 'anon_t', 'anon_c', 'anon_c', 'anon_c', 'anon_c']);
  });

  it("should take an object's own id for a customer only", () => {
    const kinds = ['customer', 'cart', 'checkout', 'order', 'refund', 'fulfillment', 'shop'] as const;
    expect(kinds.map((kind) => read(kind, '{"id":7}'))).toEqual(['7', ...Array<undefined>(6).fill(undefined)]);
  });

  it('should never take a member of the staff for the customer', () => {
    expect(read('order', '{"user_id":548380009}')).toBeUndefined();
    expect(read('order', '{"user_id":548380009,"customer":{"id":7,"user_id":8}}')).toBe('7');
  });

  it.each([
    ['too long', 'x'.repeat(256)],
    ['with a control character', 'a\u0000b'],
    ['with half a surrogate pair', '\ud800'],
    ['blank', '\u2003'],
  ])('should pass over an email that is %s', (_what, email) => {
    expect(read('order', JSON.stringify({ email, customer: { id: 7 } }))).toBe('7');
  });

  it('should count the prefix of a token', () => {
    expect(read('cart', JSON.stringify({ token: 'x'.repeat(250) }))).toBe(`anon_${'x'.repeat(250)}`);
    expect(read('cart', JSON.stringify({ token: 'x'.repeat(251) }))).toBeUndefined();
  });

  it.each(['"someone"', '7', '[{"email":"a@b.example"}]', 'true'])(
    'should find nobody in a customer that is %s',
    (customer) => {
      expect(read('order', `{"customer":${customer}}`)).toBeUndefined();
    },
  );
});
