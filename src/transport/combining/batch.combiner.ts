import type { EventBatch } from '../event-batch.js';
import { combineBatches } from './combine-batches.js';

/** Two, so that the next group is on its way while ClickHouse flushes the one before. */
const GROUPS_AT_ONCE = 2;
/** A tenth of a second more until an event can be queried, for ten inserts a second where there were hundreds. */
const GROUP_EVERY_MS = 100;
/** ClickHouse takes that as one block, all or nothing: of the smallest rows it is a quarter of its million. */
const GROUP_MAX_BYTES = 16 * 1024 * 1024;

/** A delivered batch, and whatever else its queue needs to go on with it. */
interface Delivered {
  readonly batch: EventBatch;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly go: (outcome: Promise<void>) => void;
}

/** Neither empty nor to be changed. */
export type Group<Item> = readonly [Item, ...Item[]];

/** What a queue can do with its deliveries. */
export interface CombinableQueue<Item> {
  /**
   * Puts `whole`, which has the rows of all, in the place of several deliveries.
   * @returns undefined when nothing was changed
   * @throws Error when that is not known
   */
  combine(group: Group<Item>, whole: EventBatch): Promise<Item | undefined>;
  /** Hands a delivery to its handler. Settles when that is done. */
  handle(item: Item): Promise<void>;
}

/**
 * Combines the batches that are delivered at about the same time. After a quiet moment a batch goes at once; those that follow
 * go together, {@link GROUP_EVERY_MS} after it or as soon as there are many, and never in more than {@link GROUPS_AT_ONCE}
 * groups at a time.
 */
export class BatchCombiner<Item extends Delivered> {
  private readonly waiting: Waiting<Item>[] = [];
  private waitingBytes = 0;
  private groups = 0;
  private lastGroupAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private isHurried = false;

  /** @param maxItems with so many nothing more is waited for */
  constructor(
    private readonly queue: CombinableQueue<Item>,
    private readonly maxItems: number,
  ) {}

  /** Settles when the item was handled, as itself or in a larger batch; a rejection may concern the whole group. */
  add(item: Item): Promise<void> {
    return new Promise<void>((resolve) => {
      this.waiting.push({ item, go: resolve });
      this.waitingBytes += item.batch.rows.byteLength;
      this.consider();
    });
  }

  /** Waits for nothing more, now and later. */
  hurry(): void {
    this.isHurried = true;
    this.consider();
  }

  private consider(): void {
    while (this.waiting.length > 0 && this.groups < GROUPS_AT_ONCE) {
      const wait = this.isHurried || this.isFull ? 0 : this.lastGroupAt + GROUP_EVERY_MS - performance.now();
      if (wait > 0) {
        this.timer ??= setTimeout(() => {
          this.timer = undefined;
          this.consider();
        }, wait);
        return;
      }
      this.send(this.takeGroup());
    }
  }

  private get isFull(): boolean {
    return this.waiting.length >= this.maxItems || this.waitingBytes >= GROUP_MAX_BYTES;
  }

  /** The oldest that are of one type and fit, one at least. */
  private takeGroup(): Waiting<Item>[] {
    const type = this.waiting[0]?.item.batch.type;
    let bytes = 0;
    let count = 0;
    for (const { item } of this.waiting) {
      bytes += item.batch.rows.byteLength;
      if (count > 0 && (bytes > GROUP_MAX_BYTES || item.batch.type !== type)) break;
      count++;
    }
    const group = this.waiting.splice(0, count);
    this.waitingBytes = this.waiting.reduce((sum, { item }) => sum + item.batch.rows.byteLength, 0);
    return group;
  }

  private send(group: readonly Waiting<Item>[]): void {
    this.groups++;
    this.lastGroupAt = performance.now();
    const [first, ...others] = group.map(({ item }) => item);
    const outcomes = first === undefined ? [] : this.handle([first, ...others]);
    group.forEach(({ go }, i) => {
      go(outcomes[i] ?? Promise.resolve());
    });
    void Promise.allSettled(outcomes).then(() => {
      this.groups--;
      this.consider();
    });
  }

  /** @returns of each item, when it is done with: those that are part of another at once */
  private handle(group: Group<Item>): Promise<void>[] {
    if (group.length === 1) return [this.queue.handle(group[0])];
    const [first, ...others] = group;
    const combining = this.queue.combine(group, combineBatches([first.batch, ...others.map(({ batch }) => batch)]));
    return group.map(async (item, i) => {
      const whole = await combining;
      if (whole === undefined) await this.queue.handle(item);
      else if (i === 0) await this.queue.handle(whole);
    });
  }
}
