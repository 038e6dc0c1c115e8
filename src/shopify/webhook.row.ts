import { webhookIdentity } from '../ingestion/event-identity.js';
import type { EventRow } from '../warehouse/event-row.js';
import { SHOPIFY_EVENT_ID_PREFIX } from '../warehouse/erasures.js';
import type { WebhookEvent } from './webhook.reading.js';

/**
 * The row that is stored of a webhook's event: always under the same id, and marked as coming from the shop.
 * @param receivedAt from the {@link ReceiptClock}
 * @param payload the event's, after the tenant's schema was applied
 */
export function toEventRow(
  tenantId: string,
  { eventType, userId, occurredAt, deliveryKey }: WebhookEvent,
  payload: Uint8Array,
  receivedAt: number,
): EventRow {
  return {
    tenantId,
    id: webhookIdentity(tenantId, deliveryKey),
    eventType,
    userId,
    anonymousId: '',
    eventId: SHOPIFY_EVENT_ID_PREFIX + deliveryKey,
    occurredAt,
    receivedAt,
    payload,
  };
}
