import pLimit from 'p-limit';
import type { NewDeadLetter } from '../transport/dead-letters.js';
import { derivedId, type EventBatch } from '../transport/event-batch.js';
import { BatchRefusedError } from '../warehouse/warehouse.errors.js';
import type { StorableBatch } from '../warehouse/batch.writer.js';
import { type EncodedEvent, encodedEvents } from '../warehouse/event-row.reader.js';
import { inOneInsert } from './insert.groups.js';

const WINDOW_MS = 60_000;
/**
 * To single out one of 500 rows takes nine splits, so this finds 66 of them a minute. When every row is refused it ends the
 * search after 1,200 inserts, which take ClickHouse about ten seconds of the minute.
 */
const SPLITS_A_WINDOW = 600;

/** Rows of a batch, from the place of the first to that after the last. */
interface Rows {
  readonly batch: EventBatch;
  /** All of the batch. */
  readonly events: readonly EncodedEvent[];
  readonly from: number;
  readonly to: number;
}

/**
 * Finds the rows that ClickHouse refuses, by halving: first the batches of an insert, then the rows of a batch. What it takes of
 * them is stored, so that a bad row costs no other. How many times a minute rows are halved is bounded, so that a flood of refused
 * rows leaves ClickHouse free for the good ones; beyond it several rows of one tenant are one dead letter.
 */
export class Bisection {
  /** One search at a time, for the same reason. */
  private readonly oneAtATime = pLimit(1);
  private windowEnds = 0;
  private splitsLeft = 0;

  /** @param store throws BatchRefusedError when ClickHouse will never take the rows */
  constructor(private readonly store: (batch: StorableBatch) => Promise<void>) {}

  /**
   * Stores what ClickHouse takes of batches that it has refused together.
   * @returns the rest, by the id of its batch: the same again when the batches come again, as long as rows may be halved
   */
  async run(
    batches: readonly EventBatch[],
    { message }: BatchRefusedError,
  ): Promise<ReadonlyMap<string, readonly NewDeadLetter[]>> {
    const letters = new Map<string, NewDeadLetter[]>();
    await this.oneAtATime(() => this.searchBatches(batches, message, letters));
    return letters;
  }

  /** @param batches were refused together */
  private async searchBatches(
    batches: readonly EventBatch[],
    reason: string,
    letters: Map<string, NewDeadLetter[]>,
  ): Promise<void> {
    const [first, second] = batches;
    if (first === undefined) return;
    if (second === undefined) {
      const found = await this.searchBatch(first, reason);
      if (found.length > 0) letters.set(first.id, found);
      return;
    }
    const middle = Math.ceil(batches.length / 2);
    for (const half of [batches.slice(0, middle), batches.slice(middle)]) {
      const refused = await this.tryToStore(inOneInsert(half));
      if (refused !== undefined) await this.searchBatches(half, refused, letters);
    }
  }

  private async searchBatch(batch: EventBatch, reason: string): Promise<NewDeadLetter[]> {
    const events = encodedEvents(batch.rows);
    // Bytes that are not rows to the last one cannot be told apart.
    return events === undefined || events.length !== batch.events
      ? [{ batch, tenantId: undefined, reason }]
      : this.searchRows({ batch, events, from: 0, to: events.length }, reason);
  }

  /** @param rows were refused together, one at least */
  private async searchRows(rows: Rows, reason: string): Promise<NewDeadLetter[]> {
    const { from, to } = rows;
    if (to - from === 1 || !this.takeSplit()) return this.partByTenant(rows, reason);
    const middle = Math.ceil((from + to) / 2);
    const letters: NewDeadLetter[] = [];
    for (const half of [
      { ...rows, to: middle },
      { ...rows, from: middle },
    ]) {
      const refused = await this.tryToStore(partOf(half));
      if (refused !== undefined) letters.push(...(await this.searchRows(half, refused)));
    }
    return letters;
  }

  /** Tenants never share a dead letter, nor does one of them lose events for the fault of another. */
  private async partByTenant(rows: Rows, reason: string): Promise<NewDeadLetter[]> {
    const tenants = new Set(rows.events.slice(rows.from, rows.to).map(({ tenantId }) => tenantId));
    const letters: NewDeadLetter[] = [];
    for (const tenantId of tenants) {
      const part = partOf(rows, tenantId);
      const refused = tenants.size === 1 ? reason : await this.tryToStore(part);
      if (refused !== undefined) letters.push({ batch: part, tenantId, reason: refused });
    }
    return letters;
  }

  /** @returns why it was refused; undefined when it is stored */
  private async tryToStore(batch: StorableBatch): Promise<string | undefined> {
    try {
      await this.store(batch);
      return undefined;
    } catch (error) {
      if (error instanceof BatchRefusedError) return error.message;
      throw error;
    }
  }

  /** @returns whether there was a split left in this minute; it is used up then */
  private takeSplit(): boolean {
    const now = performance.now();
    if (now >= this.windowEnds) {
      this.windowEnds = now + WINDOW_MS;
      this.splitsLeft = SPLITS_A_WINDOW;
    }
    if (this.splitsLeft === 0) return false;
    this.splitsLeft--;
    return true;
  }
}

/** @param tenantId whose rows it is to hold; all of them when it is left out */
function partOf({ batch, events, from, to }: Rows, tenantId?: string): EventBatch {
  const part = events.slice(from, to).filter((event) => tenantId === undefined || event.tenantId === tenantId);
  // So a dead letter that is refused again after a replay is the same dead letter.
  if (part.length === events.length) return batch;
  return {
    id: derivedId(batch.id, `rows ${from}-${to} ${tenantId ?? ''}`),
    type: batch.type,
    events: part.length,
    rows: Buffer.concat(part.map(({ row }) => row)),
  };
}
