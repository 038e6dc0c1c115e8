import type { EventBatch } from '../event-batch.js';
import { redeliveryDelay } from '../redelivery-delay.js';
import type { SpooledBatch, SpoolKey, SpoolStore } from './spool.store.js';

/** A batch in somebody's hands, who says in the end what became of it. */
export interface Delivery extends SpooledBatch {
  /** How often it was delivered, this time included. */
  readonly attempt: number;
  /** Whether nobody had it before, in the life of an earlier process either. */
  readonly isNew: boolean;
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

  /** @throws TransportUnavailableError when it cannot be put on disk */
  async append(batch: EventBatch): Promise<void> {
    await this.store.append(batch);
    this.announce();
  }

  /** Whether there is something to take now. */
  get hasWaiting(): boolean {
    return this.returned.length > 0 || this.store.after(this.handedOutTo) !== undefined;
  }

  /** The oldest batch that nobody has; undefined when there is none. */
  take(): Delivery | undefined {
    const spooled = this.returned.shift() ?? this.store.after(this.handedOutTo);
    if (spooled === undefined) {
      return undefined;
    }
    const [sequence] = spooled.key;
    this.handedOutTo = Math.max(this.handedOutTo, sequence);
    const attempt = (this.attempts.get(sequence) ?? 0) + 1;
    this.attempts.set(sequence, attempt);
    return { ...spooled, attempt, isNew: attempt === 1 && sequence >= this.newFrom };
  }

  /** Resolves when the batch is gone for good. */
  async finish(delivery: Delivery): Promise<void> {
    await this.store.remove(delivery.key);
    this.forget(delivery.key);
  }

  /** Makes one batch of several, in one change. */
  async combine(deliveries: readonly [Delivery, ...Delivery[]], whole: EventBatch): Promise<Delivery> {
    const [first, ...others] = deliveries;
    const key = await this.store.combine([first.key, ...others.map((delivery) => delivery.key)], whole);
    for (const delivery of others) this.forget(delivery.key);
    return { ...first, key, batch: whole };
  }

  /** Puts others in the batch's place, in one change. */
  async replace(delivery: Delivery, parts: readonly EventBatch[]): Promise<void> {
    await this.store.replace(delivery.key, parts);
    this.forget(delivery.key);
    this.announce();
  }

  /** Moves the batch to the dead letters, in one change. @returns false when these have no room, and it is given up */
  async bury(delivery: Delivery, reason: string, tenantId: string | undefined): Promise<boolean> {
    const isKept = await this.store.bury(delivery, { reason, tenantId, diedAt: Date.now() });
    this.forget(delivery.key);
    return isKept;
  }

  /** Moves a dead letter behind all batches. @returns false when there is none of this id */
  async revive(id: string): Promise<boolean> {
    // Its first attempt was before it died.
    const found = await this.store.revive(id, (sequence) => this.attempts.set(sequence, 1));
    if (found) this.announce();
    return found;
  }

  /** Lets others have the batch, at once and before all younger ones. */
  giveBack(delivery: Delivery): void {
    const [sequence] = delivery.key;
    const older = this.returned.findIndex(({ key }) => key[0] > sequence);
    this.returned.splice(older === -1 ? this.returned.length : older, 0, delivery);
    this.announce();
  }

  /** Gives the batch back after a while that grows with its attempts; others pass it meanwhile. */
  giveBackLater(delivery: Delivery): void {
    const wait = setTimeout(() => {
      this.waits.delete(wait);
      this.giveBack(delivery);
    }, redeliveryDelay(delivery.attempt)).unref();
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
