import { createHash } from 'node:crypto';
import { withVersion } from '../common/uuid7.js';

/**
 * The id under which an event with an `event_id` is stored, as the 16 bytes of a UUID: the same for the same one of the same
 * tenant, so that the warehouse keeps one of two equal events. Others have ids that derive from their request's seed.
 */
export function eventIdentity(tenantId: string, eventId: string): Uint8Array {
  return digest('event', tenantId, eventId);
}

/** The id of an event that a shop's webhook told of: another space than that of the keys that tenants choose themselves. */
export function webhookIdentity(tenantId: string, deliveryKey: string): Uint8Array {
  return digest('shopify', tenantId, deliveryKey);
}

/** NUL divides the parts: neither tenant ids nor keys may hold one. */
function digest(...parts: string[]): Uint8Array {
  return withVersion(createHash('sha256').update(parts.join('\0')).digest().subarray(0, 16), 8);
}
