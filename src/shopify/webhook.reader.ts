import { isBodyOf, isComplianceTopic, readComplianceRequest } from './compliance.js';
import { deliveryKeyOf } from './delivery-key.js';
import { eventTimeOf } from './event-time.js';
import { userIdOf } from './identity.js';
import { encodePayload } from './payload.encoder.js';
import { TOPICS } from './topics.js';
import { readWebhookBody } from './webhook.body.js';
import type { WebhookHeaders } from './webhook.headers.js';
import type { WebhookReading } from './webhook.reading.js';

/** A webhook whose signature was found to be genuine. */
export interface ReceivedWebhook {
  readonly headers: WebhookHeaders;
  /** The bytes that were signed. */
  readonly body: Buffer | undefined;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

/** Says what a genuine webhook is about. Never throws for what was sent: whatever that is, there is a reading for it. */
export function readWebhook({ headers, body, receivedAt }: ReceivedWebhook): WebhookReading {
  const { topic } = headers;
  if (typeof topic !== 'string') {
    return { kind: 'malformed', detail: 'The header X-Shopify-Topic must be sent once, such as "orders/create".' };
  }
  const parsed = readWebhookBody(body);
  if (!parsed.valid) {
    return { kind: 'malformed', detail: parsed.detail };
  }
  const { json, object } = parsed;
  const deliveryKey = deliveryKeyOf(headers.webhookId, topic, json);
  if (isComplianceTopic(topic)) {
    return isBodyOf(topic, object)
      ? { kind: 'compliance', request: readComplianceRequest(topic, object), deliveryKey }
      : { kind: 'malformed', detail: `The body is not that of ${topic}.` };
  }
  const mapping = TOPICS.get(topic);
  if (mapping === undefined) {
    return { kind: 'unmapped', topic };
  }
  const { eventType, kind, times } = mapping;
  const userId = userIdOf(object, kind);
  if (userId === undefined) {
    return { kind: 'unidentified', eventType, deliveryKey };
  }
  const occurredAt = eventTimeOf({ triggeredAt: headers.triggeredAt, object, fields: times, receivedAt });
  const payload = encodePayload(mapping.payload(object));
  return { kind: 'event', eventType, userId, occurredAt, payload, deliveryKey };
}
