import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { memberSource } from './shopify.object.js';
import { TOPICS } from './topics.js';
import { readWebhookHeaders } from './webhook.headers.js';
import { readWebhook } from './webhook.reader.js';

const FIXTURES = join(__dirname, '../../test/fixtures/shopify');
const RECEIPT = '2026-05-01T00:00:00.000Z';
const LARGE_CUSTOMER_ID = '9007199254740993117';

interface Expectation {
  eventType: string;
  userId: string | undefined;
  at: string;
  /** The members of the payload, each as its JSON text. */
  payload: Record<string, string>;
  /** What is different when a field of the body is not there: `userId`, `at`, and members of the payload. */
  without: Record<string, Partial<Record<string, string | undefined>>>;
}

/** In place of a user: the event has none. */
const NOBODY = undefined;

const ORDER_PAYLOAD = {
  order_id: '"820982911946154508"',
  total: '59.90',
  currency: '"EUR"',
  item_count: '2',
  email: '"zoe@lindqvist.example"',
};
const ORDER_WITHOUT = {
  id: { order_id: undefined },
  total_price: { total: undefined },
  currency: { currency: undefined },
  line_items: { item_count: undefined },
  email: { email: undefined, userId: 'post@lindqvist.example' },
  financial_status: { financial_status: undefined },
};

function order(eventType: string, status: string, at: string, time: string, withoutTime: string): Expectation {
  return {
    eventType,
    userId: 'zoe@lindqvist.example',
    at,
    payload: { ...ORDER_PAYLOAD, financial_status: `"${status}"` },
    without: { ...ORDER_WITHOUT, [time]: { at: withoutTime } },
  };
}

const CUSTOMER = {
  userId: 'account@lindqvist.example',
  without: {
    id: { customer_id: undefined },
    email: { email: undefined, userId: LARGE_CUSTOMER_ID },
    orders_count: { orders_count: undefined },
    total_spent: { total_spent: undefined },
    currency: { currency: undefined },
    tags: { tags: undefined },
    state: { state: undefined },
    locale: { locale: undefined },
  },
};
const CUSTOMER_PAYLOAD = {
  customer_id: `"${LARGE_CUSTOMER_ID}"`,
  email: '"account@lindqvist.example"',
  currency: '"EUR"',
  tags: '"newsletter, vip/gold"',
  state: '"enabled"',
  locale: '"de-DE"',
};

const CHECKOUT_TOKEN = '123123123abcdef0456456456abcdef0';
const CART_TOKEN = 'Z2NwLWV1cm9wZS13ZXN0MTowMUh';
const CHECKOUT_WITHOUT = {
  id: { checkout_id: `"${CHECKOUT_TOKEN}"` },
  total_price: { total: undefined },
  line_items: { item_count: undefined },
  email: { email: undefined, userId: 'account@lindqvist.example' },
};

const EXPECTED: Record<string, Expectation> = {
  'orders/create': order('order_placed', 'pending', '2026-04-25T13:00:03.000Z', 'created_at', RECEIPT),
  'orders/paid': order('order_paid', 'paid', '2026-04-25T13:02:40.000Z', 'updated_at', RECEIPT),
  'orders/cancelled': order(
    'order_cancelled',
    'voided',
    '2026-04-26T06:30:00.000Z',
    'cancelled_at',
    '2026-04-26T06:30:02.000Z',
  ),
  'orders/updated': order('order_updated', 'paid', '2026-04-26T08:00:00.000Z', 'updated_at', RECEIPT),
  'orders/fulfilled': order('order_fulfilled', 'paid', '2026-04-28T07:00:00.000Z', 'updated_at', RECEIPT),
  'orders/partially_fulfilled': order(
    'order_partially_fulfilled',
    'paid',
    '2026-04-27T09:20:01.000Z',
    'updated_at',
    RECEIPT,
  ),
  'customers/create': {
    eventType: 'customer_created',
    at: '2025-11-02T08:14:51.000Z',
    ...CUSTOMER,
    payload: { ...CUSTOMER_PAYLOAD, orders_count: '0', total_spent: '0.00', accepts_marketing: 'true' },
    without: { ...CUSTOMER.without, created_at: { at: RECEIPT } },
  },
  'customers/update': {
    eventType: 'customer_updated',
    at: '2026-04-25T13:00:04.000Z',
    ...CUSTOMER,
    payload: { ...CUSTOMER_PAYLOAD, orders_count: '3', total_spent: '184.35', accepts_marketing: 'false' },
    without: { ...CUSTOMER.without, updated_at: { at: RECEIPT } },
  },
  'checkouts/create': {
    eventType: 'checkout_started',
    userId: 'zoe@lindqvist.example',
    at: '2026-04-25T12:55:00.000Z',
    payload: {
      checkout_id: '"981820079255243537"',
      total: '49.95',
      currency: '"EUR"',
      item_count: '1',
      email: '"zoe@lindqvist.example"',
    },
    without: { ...CHECKOUT_WITHOUT, created_at: { at: RECEIPT } },
  },
  'checkouts/update': {
    eventType: 'checkout_updated',
    userId: 'zoe@lindqvist.example',
    at: '2026-04-25T12:58:30.000Z',
    payload: {
      checkout_id: '"981820079255243537"',
      total: '69.85',
      currency: '"EUR"',
      item_count: '2',
      email: '"zoe@lindqvist.example"',
    },
    without: { ...CHECKOUT_WITHOUT, updated_at: { at: RECEIPT } },
  },
  // Without an id, an address or a customer.
  'checkouts/delete': {
    eventType: 'checkout_abandoned',
    userId: `anon_${CHECKOUT_TOKEN}`,
    at: '2026-04-25T14:10:00.000Z',
    payload: { checkout_id: `"${CHECKOUT_TOKEN}"`, total: '49.95', currency: '"EUR"', item_count: '1' },
    without: {
      token: { checkout_id: undefined, userId: `anon_${CART_TOKEN}` },
      total_price: { total: undefined },
      line_items: { item_count: undefined },
      updated_at: { at: RECEIPT },
    },
  },
  'carts/create': {
    eventType: 'cart_created',
    userId: `anon_${CART_TOKEN}`,
    at: '2026-04-25T12:50:00.000Z',
    payload: { cart_id: `"${CART_TOKEN}"`, total: '39.95', currency: '"EUR"', item_count: '1' },
    without: {
      token: { userId: NOBODY },
      line_items: { total: undefined, currency: undefined, item_count: undefined },
      created_at: { at: RECEIPT },
    },
  },
  'carts/update': {
    eventType: 'cart_updated',
    userId: `anon_${CART_TOKEN}`,
    at: '2026-04-25T12:52:11.000Z',
    payload: { cart_id: `"${CART_TOKEN}"`, total: '40.25', currency: '"EUR"', item_count: '3' },
    without: {
      token: { userId: NOBODY },
      line_items: { total: undefined, currency: undefined, item_count: undefined },
      updated_at: { at: RECEIPT },
    },
  },
  'fulfillments/create': {
    eventType: 'fulfillment_created',
    userId: 'zoe@lindqvist.example',
    at: '2026-04-27T09:20:00.000Z',
    payload: {
      order_id: '"820982911946154508"',
      fulfillment_id: '"123456789012345678"',
      status: '"success"',
      tracking_company: '"DHL"',
      item_count: '1',
      email: '"zoe@lindqvist.example"',
    },
    without: {
      order_id: { order_id: undefined },
      id: { fulfillment_id: undefined },
      status: { status: undefined },
      tracking_company: { tracking_company: undefined },
      line_items: { item_count: undefined },
      email: { userId: NOBODY },
      created_at: { at: RECEIPT },
    },
  },
  'app/uninstalled': {
    eventType: 'app_uninstalled',
    userId: 'owner@northpine.example',
    at: RECEIPT,
    payload: { shop_domain: '"north-pine.myshopify.com"' },
    without: { myshopify_domain: { shop_domain: '"northpine.example"' }, email: { userId: NOBODY } },
  },
};

/** A refund names no customer, so what it becomes is seen on one to which an address was added. */
const REFUND = insert(fixture('refunds/create'), '"email":"zoe@lindqvist.example"');
EXPECTED['refunds/create'] = {
  eventType: 'order_refunded',
  userId: 'zoe@lindqvist.example',
  at: '2026-04-29T08:00:00.000Z',
  payload: {
    order_id: '"820982911946154508"',
    refund_id: '"890088186047892319"',
    total: '40.00',
    currency: '"EUR"',
  },
  without: {
    order_id: { order_id: undefined },
    id: { refund_id: undefined },
    // What the items cost, 39.95, and their tax, 5.0.
    transactions: { total: '44.95' },
    created_at: { at: RECEIPT },
    email: { userId: NOBODY },
  },
};

const BODIES = Object.keys(EXPECTED).map((topic): [string, Buffer] => [
  topic,
  topic === 'refunds/create' ? REFUND : fixture(topic),
]);

function fixture(topic: string): Buffer {
  return readFileSync(join(FIXTURES, `${topic.replace('/', '_')}.json`));
}

function insert(object: Buffer, member: string): Buffer {
  return Buffer.from(`{${member},${object.subarray(1).toString()}`);
}

/** An object's members, each as its text: `JSON.parse` would round ids, and not tell 5.0 from 5. */
function membersOf(object: Uint8Array): Record<string, string> {
  const names = Object.keys(JSON.parse(Buffer.from(object).toString()) as object);
  return Object.fromEntries(names.map((name) => [name, Buffer.from(memberSource(object, name)!).toString()]));
}

/** The object with another value for one member, everything else as it was sent; without the member when there is no value. */
function replace(object: Buffer, name: string, value: string | undefined): Buffer {
  const members = Object.entries({ ...membersOf(object), [name]: value })
    .filter(([, text]) => text !== undefined)
    .map(([key, text]) => `${JSON.stringify(key)}:${String(text)}`);
  return Buffer.from(`{${members.join(',')}}`);
}

function outcome(topic: string, body: Buffer): unknown {
  const headers = readWebhookHeaders({ 'x-shopify-topic': topic, 'x-shopify-webhook-id': 'w1' });
  const reading = readWebhook({ headers, body, receivedAt: Date.parse(RECEIPT) });
  if (reading.kind !== 'event') return reading;
  const { eventType, userId, occurredAt, payload } = reading;
  return { eventType, userId, at: new Date(occurredAt).toISOString(), payload: membersOf(payload) };
}

function expectedOutcome(topic: string, missing = ''): unknown {
  const { eventType, payload, without, ...rest } = EXPECTED[topic]!;
  const { userId, at, ...members } = { ...rest, ...payload, ...without[missing] };
  return userId === NOBODY
    ? { kind: 'unidentified', eventType, deliveryKey: 'webhook:w1' }
    : { eventType, userId, at, payload: members };
}

describe('TOPICS', () => {
  it('should have a fixture for every topic, and a topic for every fixture', () => {
    const compliance = ['customers_data_request', 'customers_redact', 'shop_redact'];
    const topics = [...TOPICS.keys()].map((topic) => topic.replace('/', '_'));
    expect(readdirSync(FIXTURES).sort()).toEqual([...topics, ...compliance].map((name) => `${name}.json`).sort());
    expect(Object.keys(EXPECTED).sort()).toEqual([...TOPICS.keys()].sort());
  });

  it.each(BODIES)('should make an event of %s', (topic, body) => {
    expect(outcome(topic, body)).toEqual(expectedOutcome(topic));
  });

  describe.each([
    ['missing', undefined],
    ['null', 'null'],
    ['blank', '"  "'],
    ['of another type', '{"id":[{}]}'],
  ])('when a field is %s', (_how, value) => {
    it.each(BODIES)('should make the most of the others in %s', (topic, body) => {
      const fields = Object.keys(membersOf(body));
      const outcomes = fields.map((field): [string, unknown] => [field, outcome(topic, replace(body, field, value))]);
      const expected = fields.map((field): [string, unknown] => [field, expectedOutcome(topic, field)]);
      expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(expected));
      expect(fields).toEqual(expect.arrayContaining(Object.keys(EXPECTED[topic]!.without)));
    });
  });

  it.each(BODIES)('should find nobody, and nothing to stumble over, in an empty object as %s', (topic) => {
    const { eventType } = EXPECTED[topic]!;
    const nobody = { kind: 'unidentified', eventType, deliveryKey: 'webhook:w1' };
    expect(outcome(topic, Buffer.from('{}'))).toEqual(nobody);
    expect(outcome(topic, Buffer.from('{"user_id":548380009,"user":{"email":"staff@northpine.example"}}'))).toEqual(
      nobody,
    );
  });

  it('should find nobody in a refund as Shopify sends it', () => {
    expect(outcome('refunds/create', fixture('refunds/create'))).toEqual(expectedOutcome('refunds/create', 'email'));
  });
});
