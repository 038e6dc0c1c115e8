import type { NewDeadLetter } from '../dead-letters.js';
import type { EventBatch } from '../event-batch.js';
import type { PublishOptions, RetryNote } from '../retry-notes.js';
import { redeliveryDelay } from '../redelivery-delay.js';
import type { SpooledBatch, SpoolKey, SpoolStore } from './spool.store.js';

/** A batch in somebody's hands, who says in the end what became of it. */
export interface TakenBatch extends SpooledBatch {
  /** How often it was delivered, this time included. */
  readonly attempt: number;
  /** Whether nobody can have had it before, in the life of an earlier process either. */
  readonly isFirst: boolean;
}

/**
 * Hands out a spool's batches, the oldest first, each to one taker at a time. Who has what is known in memory only: when the
 * process dies, all that was in hand is simply still there.
 */
export class SpoolQueue {
  /** Everything up to here was handed out at least once. */
  private handedOutTo = -1;
  /** What comes from here on, no earlier process has handed out. */
  private readonly newFrom: number;
  /** To be handed out again, the oldest first. */
  private readonly returned: SpooledBatch[] = [];
  private readonly attempts = new Map<number, number>();
  private readonly waits = new Set<NodeJS.Timeout>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly store: SpoolStore) {
    this.newFrom = store.nextPlace;
  }

  /** Calls `listener` whenever there may be something to take. @returns what ends that */
  onAvailable(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** See {@link SpoolStore.append}. */
  async append(batch: EventBatch, options?: PublishOptions): Promise<readonly RetryNote[]> {
    const older = await this.store.append(batch, options);
    if (older.length === 0) this.announce();
    return older;
  }

  /** Whether there is something to take now. */
  get hasWaiting(): boolean {
    return this.returned.length > 0 || this.store.after(this.handedOutTo) !== undefined;
  }

  /** The oldest batch that nobody has; undefined when there is none. */
  take(): TakenBatch | undefined {
    const spooled = this.returned.shift() ?? this.store.after(this.handedOutTo);
    if (spooled === undefined) {
      return undefined;
    }
    const [sequence] = spooled.key;
    this.handedOutTo = Math.max(this.handedOutTo, sequence);
    const attempt = (this.attempts.get(sequence) ?? 0) + 1;
    this.attempts.set(sequence, attempt);
    return {
      ...spooled,
      attempt,
      isFirst: attempt === 1 && sequence >= this.newFrom && spooled.batch.mayBeRepeated !== true,
    };
  }

  /** Resolves when the batch is gone for good. */
  async finish(taken: TakenBatch): Promise<void> {
    await this.store.remove(taken.key);
    this.forget(taken.key);
  }

  /**
   * Moves what can never be stored to the dead letters, in one change with the end of the batch.
   * @returns those that have no room there, and are given up
   */
  async bury(taken: TakenBatch, letters: readonly NewDeadLetter[]): Promise<readonly NewDeadLetter[]> {
    const diedAt = Date.now();
    const lost = await this.store.bury(
      taken.key,
      letters.map((letter) => ({ ...letter, diedAt })),
    );
    this.forget(taken.key);
    return lost;
  }

  /** Moves a dead letter behind all batches. @returns false when there is none of this id */
  async revive(id: string): Promise<boolean> {
    const found = await this.store.revive(id);
    if (found) this.announce();
    return found;
  }

  /** Lets others have the batch, at once and before all younger ones. */
  giveBack(taken: TakenBatch): void {
    const [sequence] = taken.key;
    const older = this.returned.findIndex(({ key }) => key[0] > sequence);
    this.returned.splice(older === -1 ? this.returned.length : older, 0, taken);
    this.announce();
  }

  /** Gives the batch back after a while that grows with its attempts; others pass it meanwhile. */
  giveBackLater(taken: TakenBatch): void {
    const wait = setTimeout(() => {
      this.waits.delete(wait);
      this.giveBack(taken);
    }, redeliveryDelay(taken.attempt)).unref();
    this.waits.add(wait);
  }

  /** Ends all waits; what they held is on disk. */
  close(): void {
    for (const wait of this.waits) clearTimeout(wait);
    this.listeners.clear();
  }

  private forget([sequence]: SpoolKey): void {
    this.attempts.delete(sequence);
  }

  private announce(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
