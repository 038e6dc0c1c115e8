import { type ComplianceRequest, isBodyOf, isComplianceTopic, readComplianceRequest } from './compliance.js';
import { encodePayload } from './payloads.js';
import { TOPICS } from './topics.js';
import { deliveryKeyOf, eventTimeOf, readWebhookBody, userIdOf } from './webhook.fields.js';
import type { WebhookHeaders } from './webhook.headers.js';

export interface WebhookEvent {
  readonly eventType: string;
  readonly userId: string;
  /** Milliseconds since 1970. */
  readonly occurredAt: number;
  /** JSON text of an object, in UTF-8. */
  readonly payload: Uint8Array;
  /** The same for each repetition of the delivery; at most 128 characters. */
  readonly deliveryKey: string;
}

type WebhookReading =
  | ({ readonly kind: 'event' } & WebhookEvent)
  /** No event is mapped to its topic. */
  | { readonly kind: 'unmapped'; readonly topic: string }
  /** It names no user. */
  | { readonly kind: 'unidentified'; readonly eventType: string; readonly deliveryKey: string }
  | { readonly kind: 'compliance'; readonly request: ComplianceRequest; readonly deliveryKey: string }
  /** `detail` is for the sender, and quotes nothing. */
  | { readonly kind: 'malformed'; readonly detail: string };

/** A webhook whose signature is right. */
interface ReceivedWebhook {
  readonly headers: WebhookHeaders;
  /** The bytes that were signed. */
  readonly body: Buffer | undefined;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

/** Reads a genuine webhook. Never throws for what was sent. */
export function readWebhook({ headers, body, receivedAt }: ReceivedWebhook): WebhookReading {
  const { topic } = headers;
  if (typeof topic !== 'string') {
    return { kind: 'malformed', detail: 'The header X-Shopify-Topic must be sent once, such as "orders/create".' };
  }
  const parsed = readWebhookBody(body);
  if (!parsed.valid) return { kind: 'malformed', detail: parsed.detail };
  const { json, object } = parsed;
  const deliveryKey = deliveryKeyOf(headers.webhookId, topic, json);
  if (isComplianceTopic(topic)) {
    return isBodyOf(topic, object)
      ? { kind: 'compliance', request: readComplianceRequest(topic, object), deliveryKey }
      : { kind: 'malformed', detail: `The body is not that of ${topic}.` };
  }
  const mapping = TOPICS.get(topic);
  if (mapping === undefined) return { kind: 'unmapped', topic };
  const { eventType, kind, times } = mapping;
  const userId = userIdOf(object, kind);
  if (userId === undefined) return { kind: 'unidentified', eventType, deliveryKey };
  const occurredAt = eventTimeOf({ triggeredAt: headers.triggeredAt, object, fields: times, receivedAt });
  const payload = encodePayload(mapping.payload(object));
  return { kind: 'event', eventType, userId, occurredAt, payload, deliveryKey };
}
