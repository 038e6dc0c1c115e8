import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deliveryKeyOf, eventTimeOf, type ObjectKind, readWebhookBody, userIdOf } from './webhook.fields.js';

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

const RECEIVED_AT = Date.parse('2026-05-01T00:00:00Z');
const RECEIPT = '2026-05-01T00:00:00.000Z';
const CREATED = '2026-04-25T15:00:03+02:00';
const FAR_AHEAD = new Date(Date.now() + 25 * 60 * 60 * 1000).toISOString();

function timeOf(triggeredAt: string | null | undefined, times: object, fields: string[] = ['created_at']): string {
  const body = readWebhookBody(Buffer.from(JSON.stringify(times)));
  if (!body.valid) throw new Error(body.detail);
  const time = eventTimeOf({ triggeredAt, object: body.object, fields, receivedAt: RECEIVED_AT });
  return new Date(time).toISOString();
}

describe('eventTimeOf', () => {
  it('should prefer the time at which Shopify was triggered', () => {
    expect(timeOf('2026-04-25T13:00:05.877041743Z', { created_at: CREATED })).toBe('2026-04-25T13:00:05.877Z');
  });

  it.each([undefined, null, 'yesterday', '1969-12-31T23:59:59Z', '2026-02-30T00:00:00Z', FAR_AHEAD])(
    "should fall back on the object's own time when Shopify's is %s",
    (triggeredAt) => {
      expect(timeOf(triggeredAt, { created_at: CREATED })).toBe('2026-04-25T13:00:03.000Z');
    },
  );

  it.each([undefined, null, '', 'yesterday', '1969-12-31T23:59:59Z', FAR_AHEAD, 1777122003, {}])(
    "should fall back on the receipt when the object's own time is %j",
    (createdAt) => {
      expect(timeOf(undefined, { created_at: createdAt })).toBe(RECEIPT);
    },
  );

  it('should take the first field that has a time', () => {
    const times = { cancelled_at: null, updated_at: '2026-04-26T08:30:02+02:00', created_at: CREATED };
    expect(timeOf(undefined, times, ['cancelled_at', 'updated_at'])).toBe('2026-04-26T06:30:02.000Z');
    expect(timeOf(undefined, times, [])).toBe(RECEIPT);
  });

  it('should take a time without an offset for UTC', () => {
    expect(timeOf(undefined, { created_at: '2026-04-25T13:00:03' })).toBe('2026-04-25T13:00:03.000Z');
  });
});

const BODY = Buffer.from('{"id":820982911946154508}');

describe('deliveryKeyOf', () => {
  it('should be that of the webhook, whatever it brings', () => {
    expect(deliveryKeyOf('w1', 'orders/create', BODY)).toBe('webhook:w1');
    expect(deliveryKeyOf('w1', 'orders/paid', Buffer.from('{}'))).toBe('webhook:w1');
  });

  it.each([undefined, null])('should be that of the topic and the bytes when the id is %s', (webhookId) => {
    const key = deliveryKeyOf(webhookId, 'orders/create', BODY);
    // printf 'orders/create\0{"id":820982911946154508}' | sha256sum
    expect(key).toBe('body:1c2530528723bc316847e722cfa8f932bbd2c1442ad0883b5d3d2a7c4ea3400b');
    expect(deliveryKeyOf(webhookId, 'orders/create', Buffer.from(BODY))).toBe(key);
    expect(deliveryKeyOf(webhookId, 'orders/updated', BODY)).not.toBe(key);
    expect(deliveryKeyOf(webhookId, 'orders/create', Buffer.from('{"id":820982911946154509}'))).not.toBe(key);
  });

  it('should not take an id for a digest', () => {
    const digest = deliveryKeyOf(undefined, 'orders/create', BODY);
    expect(deliveryKeyOf(digest, 'orders/create', BODY)).not.toBe(digest);
  });

  it('should have room for the longest id', () => {
    expect(deliveryKeyOf('w'.repeat(100), 'orders/create', BODY).length).toBeLessThanOrEqual(128);
  });
});
