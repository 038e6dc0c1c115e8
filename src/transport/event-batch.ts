/**
 * Events that travel together: the unit that is published, delivered, stored and deduplicated.
 * A batch is made once and never recombined, because its id is what makes storing it twice leave one copy.
 */
export interface EventBatch {
  /** UUID version 7: unique, and it tells when the batch was accepted. */
  readonly id: string;
  /** What `rows` holds and in which version, e.g. `events.v1`; chooses the handler. */
  readonly type: string;
  /** How many events `rows` holds. */
  readonly events: number;
  /** The events in the warehouse's insert format, written once by the API and passed through by everything after it. */
  readonly rows: Uint8Array;
}
