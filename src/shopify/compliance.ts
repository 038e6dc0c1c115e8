import { isAcceptable } from './webhook.fields.js';
import type { RedactionScope } from '../warehouse/redactor.js';
import type { ShopifyObject } from './shopify.object.js';

const TOPICS = ['customers/data_request', 'customers/redact', 'shop/redact'] as const;

type ComplianceTopic = (typeof TOPICS)[number];

/** A request about personal data that Shopify passes on. Fields that were not sent are undefined. */
export interface ComplianceRequest {
  readonly topic: ComplianceTopic;
  /** In lower case. Signed, unlike the header. */
  readonly shopDomain: string | undefined;
  /** Every `user_id` of the customer's events; an address may be stored in another case. */
  readonly userIds: readonly string[];
  /** The orders to erase or to report. */
  readonly orderIds: readonly string[];
}

export function isComplianceTopic(topic: string): topic is ComplianceTopic {
  return (TOPICS as readonly string[]).includes(topic);
}

/** Whether the signed body can be of the unsigned topic: nobody may turn a genuine request into an erasure. */
export function isBodyOf(topic: ComplianceTopic, body: ShopifyObject): boolean {
  return !FOREIGN[topic].some((field) => body.object(field) !== undefined);
}

/** Fields that only bodies of other topics have. */
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
    userIds: distinct([email, id]).filter((userId) => isAcceptable('user_id', userId)),
    orderIds: distinct([...body.ids('orders_to_redact'), ...body.ids('orders_requested')]),
  };
}

/**
 * What a request removes. Undefined for nothing: merchants answer data requests from their own queries; and without a shop domain
 * nobody can tell which events belong to the shop.
 * @param hasShopDomain whether the tenant's Shopify events all come from its one shop
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
