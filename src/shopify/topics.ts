import type { ObjectKind } from './webhook.fields.js';
import {
  cartPayload,
  checkoutPayload,
  customerPayload,
  fulfillmentPayload,
  orderPayload,
  type Payload,
  refundPayload,
  shopPayload,
} from './payloads.js';
import type { ShopifyObject } from './shopify.object.js';

/** How webhooks of a topic become events. */
interface TopicMapping {
  readonly eventType: string;
  readonly kind: ObjectKind;
  /** The fields of the body with the time of the event, the best first. */
  readonly times: readonly string[];
  readonly payload: (object: ShopifyObject) => Payload;
}

const order = { kind: 'order', payload: orderPayload } as const;
const customer = { kind: 'customer', payload: customerPayload } as const;
const checkout = { kind: 'checkout', payload: checkoutPayload } as const;
const cart = { kind: 'cart', payload: cartPayload } as const;
const refund = { kind: 'refund', payload: refundPayload } as const;
const fulfillment = { kind: 'fulfillment', payload: fulfillmentPayload } as const;
const shop = { kind: 'shop', payload: shopPayload } as const;

/**
 * The topics that become events. To add one, add a row, and a fixture of its name in `test/fixtures/shopify`.
 *
 * An order, checkout or cart is sent whole at each of its stages, so `created_at` is the time of the first only. A shop does not
 * say when the app was uninstalled.
 */
export const TOPICS: ReadonlyMap<string, TopicMapping> = new Map<string, TopicMapping>([
  ['orders/create', { eventType: 'order_placed', times: ['created_at'], ...order }],
  ['orders/paid', { eventType: 'order_paid', times: ['updated_at'], ...order }],
  ['orders/cancelled', { eventType: 'order_cancelled', times: ['cancelled_at', 'updated_at'], ...order }],
  ['orders/updated', { eventType: 'order_updated', times: ['updated_at'], ...order }],
  ['orders/fulfilled', { eventType: 'order_fulfilled', times: ['updated_at'], ...order }],
  ['orders/partially_fulfilled', { eventType: 'order_partially_fulfilled', times: ['updated_at'], ...order }],
  ['refunds/create', { eventType: 'order_refunded', times: ['created_at'], ...refund }],
  ['fulfillments/create', { eventType: 'fulfillment_created', times: ['created_at'], ...fulfillment }],
  ['customers/create', { eventType: 'customer_created', times: ['created_at'], ...customer }],
  ['customers/update', { eventType: 'customer_updated', times: ['updated_at'], ...customer }],
  ['checkouts/create', { eventType: 'checkout_started', times: ['created_at'], ...checkout }],
  ['checkouts/update', { eventType: 'checkout_updated', times: ['updated_at'], ...checkout }],
  ['checkouts/delete', { eventType: 'checkout_abandoned', times: ['updated_at'], ...checkout }],
  ['carts/create', { eventType: 'cart_created', times: ['created_at'], ...cart }],
  ['carts/update', { eventType: 'cart_updated', times: ['updated_at'], ...cart }],
  ['app/uninstalled', { eventType: 'app_uninstalled', times: [], ...shop }],
]);
