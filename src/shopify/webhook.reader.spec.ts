import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readWebhookHeaders } from './webhook.headers.js';
import { readWebhook } from './webhook.reader.js';

const RECEIVED_AT = Date.parse('2026-05-01T00:00:00Z');

function fixture(topic: string): Buffer {
  return readFileSync(join(__dirname, '../../test/fixtures/shopify', `${topic.replace('/', '_')}.json`));
}

function read(topic: string | undefined, body: Buffer | string | undefined) {
  const headers = readWebhookHeaders({ 'x-shopify-topic': topic, 'x-shopify-webhook-id': 'w1' });
  return readWebhook({ headers, body: typeof body === 'string' ? Buffer.from(body) : body, receivedAt: RECEIVED_AT });
}

describe('readWebhook', () => {
  describe('shapes that break naive code', () => {
    function payloadOf(topic: string, json: string): string {
      const reading = read(topic, json);
      return reading.kind === 'event' ? Buffer.from(reading.payload).toString() : reading.kind;
    }

    it.each([
      ['money as a number', 'orders/create', '"total_price":5.0', '{"total":5,"email":"a@b.example"}'],
      ['money with commas', 'orders/create', '"total_price":"1,234.50"', '{"email":"a@b.example"}'],
      ['money as an object', 'orders/create', '"total_price":{"amount":"5.0"}', '{"email":"a@b.example"}'],
      ['money beyond doubles', 'orders/create', '"total_price":1e400', '{"email":"a@b.example"}'],
      ['no lines', 'orders/create', '"line_items":[]', '{"item_count":0,"email":"a@b.example"}'],
      ['lines of null', 'orders/create', '"line_items":[null,null]', '{"item_count":2,"email":"a@b.example"}'],
      ['a prototype', 'orders/create', '"__proto__":{"id":7,"currency":"EUR"}', '{"email":"a@b.example"}'],
      ['a constructor', 'orders/create', '"constructor":{"prototype":{"id":7}}', '{"email":"a@b.example"}'],
      ['half a surrogate pair', 'orders/create', '"currency":"\\ud83d"', '{"email":"a@b.example"}'],
      [
        'quotes',
        'orders/create',
        '"currency":"\\"\\\\\\u0001\\/"',
        '{"currency":"\\"\\\\\\u0001/","email":"a@b.example"}',
      ],
      [
        'escapes',
        'orders/create',
        '"financial_status":"a\\/b \\u0026 c"',
        '{"email":"a@b.example","financial_status":"a/b & c"}',
      ],
      ['an id as text', 'checkouts/create', '"id":"c1","token":"t1"', '{"checkout_id":"c1","email":"a@b.example"}'],
      [
        'another currency shown',
        'checkouts/create',
        '"presentment_currency":"USD"',
        '{"currency":"USD","email":"a@b.example"}',
      ],
      [
        'a line without a price',
        'carts/create',
        '"line_items":[{"line_price":"1.00"},{}]',
        '{"item_count":2,"email":"a@b.example"}',
      ],
      [
        'prices as numbers',
        'carts/create',
        '"line_items":[{"line_price":0.1},{"line_price":0.2}]',
        '{"total":0.3,"item_count":2,"email":"a@b.example"}',
      ],
      ['an empty cart', 'carts/create', '"line_items":[]', '{"total":0,"item_count":0,"email":"a@b.example"}'],
      [
        'money that did not move',
        'refunds/create',
        '"transactions":[],"refund_line_items":[{"subtotal":9.5}]',
        '{"total":0}',
      ],
      ['a transaction without an amount', 'refunds/create', '"transactions":[{"kind":"refund"}]', '{}'],
      ['a voided payment', 'refunds/create', '"transactions":[{"kind":"void","amount":"7.00"}]', '{"total":0}'],
      [
        'float money',
        'refunds/create',
        '"refund_line_items":[{"subtotal":0.1,"total_tax":0.0},{"subtotal":"0.20"}]',
        '{"total":0.30}',
      ],
      ['a line without a subtotal', 'refunds/create', '"refund_line_items":[{"total_tax":1.0}]', '{}'],
      [
        'a currency in the lines only',
        'refunds/create',
        '"refund_line_items":[{"subtotal_set":{"shop_money":{"currency_code":"CHF"}}}],"transactions":[{"amount":"1.00","currency":null}]',
        '{"total":1.00,"currency":"CHF"}',
      ],
      [
        'no consent',
        'customers/create',
        '"email_marketing_consent":null,"accepts_marketing":true',
        '{"email":"a@b.example","accepts_marketing":true}',
      ],
      [
        'old and new consent',
        'customers/create',
        '"email_marketing_consent":{"state":"not_subscribed"},"accepts_marketing":true',
        '{"email":"a@b.example","accepts_marketing":false}',
      ],
      ['a count as text', 'customers/create', '"orders_count":"3"', '{"email":"a@b.example"}'],
    ])('should be no obstacle: %s', (_what, topic, members, payload) => {
      expect(payloadOf(topic, `{"email":"a@b.example",${members}}`)).toBe(payload);
    });

    it('should not let a body reach the prototypes', () => {
      read('orders/create', '{"__proto__":{"polluted":true},"customer":{"__proto__":{"polluted":true}}}');
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    });

    it.each([
      ['lists', '['.repeat(500_000) + ']'.repeat(500_000)],
      ['objects', '{"a":'.repeat(200_000) + '1' + '}'.repeat(200_000)],
    ])('should be refused, and not be parsed, as %s that nest without end', (_what, value) => {
      const parse = jest.spyOn(JSON, 'parse');
      const reading = read('orders/create', `{"email":"a@b.example","note":${value},"id":820982911946154508}`);
      const parsed = parse.mock.calls.length;
      parse.mockRestore();
      expect(reading).toEqual({ kind: 'malformed', detail: 'The body must not nest more than 64 levels.' });
      expect(parsed).toBe(0);
    });
  });

  describe('compliance', () => {
    const CUSTOMER_ID = '9007199254740993117';
    const REQUEST = {
      shopDomain: 'north-pine.myshopify.com',
      userIds: ['Account@lindqvist.example', CUSTOMER_ID],
      orderIds: ['820982911946154508', '299938', '280263'],
    };
    const NO_CUSTOMER = { userIds: [], orderIds: [] };

    it.each([
      ['customers/data_request', REQUEST],
      ['customers/redact', REQUEST],
      ['shop/redact', { ...REQUEST, ...NO_CUSTOMER }],
    ])('should read %s', (topic, request) => {
      expect(read(topic, fixture(topic))).toEqual({
        kind: 'compliance',
        request: { topic, ...request },
        deliveryKey: 'webhook:w1',
      });
    });

    it.each(['customers/data_request', 'customers/redact', 'shop/redact'])(
      'should read %s with nothing in it',
      (topic) => {
        const nothing = { topic, shopDomain: undefined, ...NO_CUSTOMER };
        for (const body of [
          '{}',
          '{"customer":null,"orders_to_redact":null,"data_request":null,"shop_domain":"","shop_id":null}',
        ]) {
          expect(read(topic, body)).toMatchObject({ kind: 'compliance', request: nothing });
        }
      },
    );

    it('should need no header but the topic', () => {
      const headers = readWebhookHeaders({ 'x-shopify-topic': 'shop/redact' });
      const reading = readWebhook({ headers, body: fixture('shop/redact'), receivedAt: RECEIVED_AT });
      expect(reading).toMatchObject({ kind: 'compliance', request: { shopDomain: 'north-pine.myshopify.com' } });
    });

    it.each([
      ['shop/redact', 'customers/redact'],
      ['shop/redact', 'customers/data_request'],
      ['customers/redact', 'customers/data_request'],
    ])('should erase nothing for %s over the body of %s, as only the body is signed', (topic, other) => {
      expect(read(topic, fixture(other))).toEqual({ kind: 'malformed', detail: `The body is not that of ${topic}.` });
    });

    it.each([
      ['{"customer":{"id":7,"email":null}}', ['7']],
      ['{"customer":{"email":"a@b.example"}}', ['a@b.example']],
      ['{"customer":{"id":"7","email":"a\\u0000@b.example"}}', ['7']],
    ])('should find the users of %s', (body, userIds) => {
      expect(read('customers/redact', body)).toMatchObject({ request: { userIds } });
    });

    it('should read the shop domain in the form in which it is kept', () => {
      expect(read('shop/redact', '{"shop_domain":" North-Pine.MyShopify.com "}')).toMatchObject({
        request: { shopDomain: 'north-pine.myshopify.com' },
      });
    });
  });

  it.each(['products/create', 'customer.tags_added', 'customers/redacted', 'constructor/prototype'])(
    'should find no event for %s',
    (topic) => {
      expect(read(topic, '{"id":1,"email":"a@b.example"}')).toEqual({ kind: 'unmapped', topic });
    },
  );

  it.each([undefined, '', ' ', 'orders', 'orders/create, orders/create', 'orders/create\u0000'])(
    'should ask for a topic when it is %j',
    (topic) => {
      expect(read(topic, fixture('orders/create'))).toEqual({
        kind: 'malformed',
        detail: 'The header X-Shopify-Topic must be sent once, such as "orders/create".',
      });
    },
  );

  it.each<[string, Buffer | undefined, string]>([
    ['absent', undefined, 'The body is empty. Send a JSON object.'],
    ['empty', Buffer.alloc(0), 'The body is empty. Send a JSON object.'],
    [
      'not UTF-8',
      Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
      'The body is not valid UTF-8: line 1, column 3.',
    ],
    ['not JSON', Buffer.from('id=1&email=a%40b.example'), 'The body is not valid JSON: line 1, column 1.'],
    ['cut off', Buffer.from('{"id":1,'), 'The body is not valid JSON: it ends too early, at line 1, column 9.'],
    ['a list', Buffer.from('[{"id":1}]'), 'The body must be a JSON object.'],
    ['null', Buffer.from('null'), 'The body must be a JSON object.'],
    ['text', Buffer.from('"id"'), 'The body must be a JSON object.'],
  ])('should say what is wrong with a body that is %s', (_what, body, detail) => {
    for (const topic of ['orders/create', 'customers/redact', 'products/create']) {
      expect(read(topic, body)).toEqual({ kind: 'malformed', detail });
    }
  });

  it('should take a byte order mark for no part of the JSON', () => {
    const body = Buffer.concat([Buffer.from('\ufeff'), fixture('orders/create')]);
    expect(read('orders/create', body)).toEqual(read('orders/create', fixture('orders/create')));
  });
});
