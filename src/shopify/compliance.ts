import { isAcceptable } from './webhook.fields.js';
import type { RedactionScope } from '../warehouse/redactor.js';
import type { ShopifyObject } from './shopify.object.js';

const TOPICS = ['customers/data_request', 'customers/redact', 'shop/redact'] as const;

export type ComplianceTopic = (typeof TOPICS)[number];

/** What the law lets a customer or a shop ask for, as Shopify passes it on. Fields that were not sent are undefined. */
export interface ComplianceRequest {
  readonly topic: ComplianceTopic;
  /** In lower case. Signed, unlike the header. */
  readonly shopDomain: string | undefined;
  readonly shopId: string | undefined;
  /** Shopify's number of a `customers/data_request`. */
  readonly dataRequestId: string | undefined;
  readonly customer: {
    readonly id: string | undefined;
    readonly email: string | undefined;
    readonly phone: string | undefined;
  };
  /** Every `user_id` under which events of the customer may be stored, though an address perhaps in another case. */
  readonly userIds: readonly string[];
  /** The orders to be erased, or to be reported. */
  readonly orderIds: readonly string[];
}

export function isComplianceTopic(topic: string): topic is ComplianceTopic {
  return (TOPICS as readonly string[]).includes(topic);
}

/**
 * Whether the body, which is signed, can be that of the topic, which is not: nobody may turn a genuine request into an erasure
 * that it did not ask for.
 */
export function isBodyOf(topic: ComplianceTopic, body: ShopifyObject): boolean {
  return !FOREIGN[topic].some((field) => body.object(field) !== undefined);
}

/** What tells the bodies of other topics from one that erases. */
const FOREIGN: Readonly<Record<ComplianceTopic, readonly string[]>> = {
  'customers/data_request': [],
  'customers/redact': ['data_request'],
  'shop/redact': ['customer', 'data_request'],
};

export function readComplianceRequest(topic: ComplianceTopic, body: ShopifyObject): ComplianceRequest {
  const customer = body.object('customer');
  const id = customer?.id('id');
  const email = customer?.text('email');
  return {
    topic,
    shopDomain: body.text('shop_domain')?.toLowerCase(),
    shopId: body.id('shop_id'),
    dataRequestId: body.object('data_request')?.id('id'),
    customer: { id, email, phone: customer?.text('phone') },
    userIds: distinct([email, id]).filter((userId) => isAcceptable('user_id', userId)),
    orderIds: distinct([...body.ids('orders_to_redact'), ...body.ids('orders_requested')]),
  };
}

/**
 * What a request asks to remove.
 * @param hasShopDomain whether all that the tenant has from Shopify is of the one shop that it named
 * @returns undefined when that is nothing: the merchant answers a data request from what it can query, and which events are of
 * the shop nobody can tell of a tenant that takes webhooks of every shop
 */
export function scopeOf(
  { topic, userIds, orderIds }: ComplianceRequest,
  hasShopDomain: boolean,
): RedactionScope | undefined {
  switch (topic) {
    case 'customers/data_request':
      return undefined;
    case 'customers/redact':
      return { kind: 'users', userIds, orderIds };
    case 'shop/redact':
      return hasShopDomain ? { kind: 'shop' } : undefined;
    default:
      return topic satisfies never;
  }
}

function distinct(texts: readonly (string | undefined)[]): string[] {
  return [...new Set(texts)].filter((text) => text !== undefined);
}
