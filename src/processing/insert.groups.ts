import { AsyncResource } from 'node:async_hooks';
import type { NewDeadLetter } from '../transport/dead-letters.js';
import { type Delivery, derivedId, type EventBatch } from '../transport/event-batch.js';
import { type BatchOutcome, STORED } from '../transport/event-transport.js';
import { BatchRefusedError } from '../warehouse/warehouse.errors.js';
import type { StorableBatch } from '../warehouse/batch.writer.js';

/** Two, so that the next group is on its way while ClickHouse commits the one before. */
const GROUPS_AT_ONCE = 2;
/** A tenth of a second more until an event can be queried, for ten inserts a second where there were hundreds. */
const GROUP_EVERY_MS = 100;
/** ClickHouse takes that as one block, all or nothing: of the smallest rows it is a quarter of its million. */
const GROUP_MAX_BYTES = 16 * 1024 * 1024;

/** Batches that are stored by one insert, the oldest first. They are of one type. */
export interface InsertGroup {
  readonly batches: readonly EventBatch[];
  /** Whether it is the first delivery of all of them. First deliveries are stored apart, since only they cannot have copies. */
  readonly isFirst: boolean;
}

export interface GroupStore {
  /**
   * Stores all batches of the group by one insert.
   * @throws BatchRefusedError when ClickHouse will never take it as it is; any other error when it is to be delivered again
   */
  insert(group: InsertGroup): Promise<void>;
  /** Stores what can be stored of a group that was refused. @returns the rest, by the id of its batch */
  bisect(group: InsertGroup, refusal: BatchRefusedError): Promise<ReadonlyMap<string, readonly NewDeadLetter[]>>;
}

interface Waiting {
  readonly delivery: Delivery;
  /** Runs its work in the context of the delivery, to which the trace of the insert belongs. */
  readonly within: (work: () => Promise<void>) => Promise<void>;
  readonly settle: (outcome: Promise<BatchOutcome>) => void;
}

/**
 * Stores the batches that are delivered at about the same time by one insert: ClickHouse wants few large ones. After a quiet moment
 * a batch goes at once; those that follow go together, {@link GROUP_EVERY_MS} after it or as soon as there are many, and never in
 * more than {@link GROUPS_AT_ONCE} inserts at a time.
 */
export class InsertGroups {
  private readonly waiting: Waiting[] = [];
  private waitingBytes = 0;
  private groups = 0;
  private lastGroupAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private isHurried = false;

  /** @param maxBatches with so many nothing more is waited for */
  constructor(
    private readonly store: GroupStore,
    private readonly maxBatches: number,
  ) {}

  /**
   * Resolves when the batch is stored, but for its dead letters.
   * @throws Error when it is to be delivered again; that may concern the whole group
   */
  add(delivery: Delivery): Promise<BatchOutcome> {
    return new Promise<BatchOutcome>((settle) => {
      const within = AsyncResource.bind((work: () => Promise<void>) => work());
      this.waiting.push({ delivery, within, settle });
      this.waitingBytes += delivery.batch.rows.byteLength;
      this.sendWhatIsDue();
    });
  }

  /** Waits for nothing more, now and later. */
  hurry(): void {
    this.isHurried = true;
    this.sendWhatIsDue();
  }

  private sendWhatIsDue(): void {
    for (let first = this.waiting[0]; first !== undefined; first = this.waiting[0]) {
      if (this.groups >= GROUPS_AT_ONCE) return;
      const wait = this.isHurried || this.isFull ? 0 : this.lastGroupAt + GROUP_EVERY_MS - performance.now();
      if (wait > 0) {
        this.timer ??= setTimeout(() => {
          this.timer = undefined;
          this.sendWhatIsDue();
        }, wait);
        return;
      }
      this.send(first, this.takeGroup(first.delivery));
    }
  }

  private get isFull(): boolean {
    return this.waiting.length >= this.maxBatches || this.waitingBytes >= GROUP_MAX_BYTES;
  }

  /** The oldest that go with the first and fit, itself at least. */
  private takeGroup({ batch: { type }, isFirst }: Delivery): Waiting[] {
    const group: Waiting[] = [];
    const others: Waiting[] = [];
    let bytes = 0;
    for (const waiting of this.waiting) {
      const { batch, isFirst: isFirstToo } = waiting.delivery;
      const size = batch.rows.byteLength;
      const fits = group.length === 0 || bytes + size <= GROUP_MAX_BYTES;
      if (fits && batch.type === type && isFirstToo === isFirst) {
        group.push(waiting);
        bytes += size;
      } else {
        others.push(waiting);
      }
    }
    this.waiting.splice(0, this.waiting.length, ...others);
    this.waitingBytes -= bytes;
    return group;
  }

  private send({ within, delivery: { isFirst } }: Waiting, members: readonly Waiting[]): void {
    this.groups++;
    this.lastGroupAt = performance.now();
    const group = { batches: members.map(({ delivery }) => delivery.batch), isFirst };
    const inserted = within(() => this.store.insert(group));
    const refused = inserted.then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof BatchRefusedError) return this.store.bisect(group, error);
        throw error;
      },
    );
    for (const { delivery, settle } of members) {
      settle(refused.then((letters) => outcomeOf(letters?.get(delivery.batch.id))));
    }
    // Not only after the search for refused events, which takes long: other groups go on meanwhile.
    const goOn = (): void => {
      this.groups--;
      this.sendWhatIsDue();
    };
    inserted.then(goOn, goOn);
  }
}

function outcomeOf(deadLetters: readonly NewDeadLetter[] | undefined): BatchOutcome {
  return deadLetters === undefined ? STORED : { deadLetters };
}

/** The rows of all batches, one after the other, under an id that follows from theirs: the same again for the same batches. */
export function inOneInsert(batches: readonly EventBatch[]): StorableBatch {
  const [first, ...others] = batches;
  if (first === undefined) throw new TypeError('There is no batch to store.');
  return others.length === 0
    ? first
    : {
        id: derivedId(first.id, `with ${others.map(({ id }) => id).join(' ')}`),
        rows: Buffer.concat(batches.map(({ rows }) => rows)),
      };
}
