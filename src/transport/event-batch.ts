/**
 * Events that travel together: the unit that is published, delivered, stored and deduplicated.
 * Its id is what makes storing it twice leave one copy. So a queue makes one batch of several, or several of one, only in a
 * single change that puts the new in the place of the old, and only where nothing of the old can be stored already.
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
  /** The batches that it was made of, in the order of their rows; left out when it is as it was published. */
  readonly combines?: readonly BatchMember[] | undefined;
}

/** What is known of a batch that was accepted, whatever became of it since. */
export type AcceptedBatch = Pick<EventBatch, 'id' | 'events'>;

/** A batch whose rows are part of another's. */
export interface BatchMember extends AcceptedBatch {
  /** How many bytes of the rows are its own. */
  readonly bytes: number;
}

/** The batches as which its events were accepted. */
export function acceptedBatches(batch: EventBatch): readonly AcceptedBatch[] {
  return batch.combines ?? [batch];
}
