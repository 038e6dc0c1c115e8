import type { EventBatch } from './event-batch.js';

/** Events that can never be stored as things are, kept until they are replayed or removed. Its id is that of its batch. */
export interface DeadLetter {
  readonly batch: EventBatch;
  /** The one tenant whose events it holds; undefined when that cannot be told, and only operators may see it. */
  readonly tenantId: string | undefined;
  /** Why it was refused, in words without row content. */
  readonly reason: string;
  /** When it was given up: milliseconds since 1970. */
  readonly diedAt: number;
}

/** A dead letter that is not kept yet. */
export type NewDeadLetter = Omit<DeadLetter, 'diedAt'>;

/** A dead letter without its rows, which may take a megabyte. */
export interface DeadLetterSummary extends Omit<DeadLetter, 'batch'> {
  readonly id: string;
  readonly type: string;
  readonly events: number;
}

/**
 * What became of batches that cannot be stored. They are kept beside the queue and not in it, so that they neither hold up
 * nor count as what waits. Nothing but {@link replay} and {@link remove} ever takes one away that was kept.
 *
 * @throws TransportUnavailableError from every method when the queue cannot be asked
 */
export interface DeadLetters {
  /** The oldest first, at most `limit`; of all tenants and of none when no tenant is named. */
  list(query: { readonly tenantId?: string | undefined; readonly limit: number }): Promise<DeadLetterSummary[]>;

  get(id: string): Promise<DeadLetter | undefined>;

  /**
   * Puts the batch back into the queue under its own id, as one that may be stored already. Resolves when it is on disk there. A batch that is refused again is a dead letter again.
   * @returns false when there is no such dead letter
   */
  replay(id: string): Promise<boolean>;

  /** Gives the events up for good. @returns false when there is no such dead letter */
  remove(id: string): Promise<boolean>;
}
