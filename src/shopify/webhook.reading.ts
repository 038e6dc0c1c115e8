import type { ComplianceRequest } from './compliance.js';

/** An event that a webhook tells of. */
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

/** What a webhook turned out to be. */
export type WebhookReading =
  | ({ readonly kind: 'event' } & WebhookEvent)
  /** There is no event for its topic. */
  | { readonly kind: 'unmapped'; readonly topic: string }
  /** It names nobody, so its event has no user. */
  | { readonly kind: 'unidentified'; readonly eventType: string; readonly deliveryKey: string }
  | { readonly kind: 'compliance'; readonly request: ComplianceRequest; readonly deliveryKey: string }
  /** `detail` is for the sender, and says nothing of what was sent. */
  | { readonly kind: 'malformed'; readonly detail: string };
