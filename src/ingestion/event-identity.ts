import { createHash } from 'node:crypto';
import { uuid7Bytes, withVersion } from '../common/uuid7.js';

/** What the caller gave to recognise a repetition by, if anything. */
export interface Repetition {
  /** The event's own key. */
  readonly eventId: string | undefined;
  /** The request's `Idempotency-Key`, and the event's place in the request. */
  readonly requestKey: string | undefined;
  readonly index: number;
}

/**
 * The id under which an event is stored, as the 16 bytes of a UUID. The same key of the same tenant always gives the same
 * id, so that the warehouse keeps one of two equal events; without a key every event is new.
 */
export function eventIdentity(tenantId: string, { eventId, requestKey, index }: Repetition): Uint8Array {
  if (eventId !== undefined) {
    return digest('event', tenantId, eventId);
  }
  if (requestKey !== undefined) {
    return digest('request', tenantId, requestKey, String(index));
  }
  return uuid7Bytes();
}

/** The id of an event that a shop's webhook told of: another space than that of the keys that tenants choose themselves. */
export function webhookIdentity(tenantId: string, deliveryKey: string): Uint8Array {
  return digest('shopify', tenantId, deliveryKey);
}

/** NUL divides the parts: neither tenant ids nor keys may hold one. */
function digest(...parts: string[]): Uint8Array {
  return withVersion(createHash('sha256').update(parts.join('\0')).digest().subarray(0, 16), 8);
}
