/** One accepted event as the warehouse stores it: validated, stamped, and final. */
export interface EventRow {
  /** The tenant's slug. */
  readonly tenantId: string;
  /** UUID of 16 bytes. A repeat has the same: derived from the tenant and `eventId`, or from the request's seed. */
  readonly id: Uint8Array;
  readonly eventType: string;
  readonly userId: string;
  /** Empty when the caller gave none. */
  readonly anonymousId: string;
  /** The caller's idempotency key for this event; empty when there is none. */
  readonly eventId: string;
  /** When it happened, by the caller's clock: milliseconds since 1970. */
  readonly occurredAt: number;
  /** When we received it: microseconds since 1970, strictly increasing within a process. */
  readonly receivedAt: number;
  /** JSON text of an object in UTF-8, byte for byte as it was sent. */
  readonly payload: Uint8Array;
}
