import type { Database, RootDatabase } from 'lmdb';
import {
  type Caller,
  MEMORY_ENTRY_BYTES,
  MEMORY_LIFE_MS,
  type MemoryBound,
  memoryBounds,
  type MemoryKey,
} from '../idempotency.store.js';

interface Entry {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** How much was taken in until when; a new count begins with the first entry after that. */
interface Count {
  readonly bytes: number;
  readonly endsAt: number;
}

/** What is remembered for a day or more: on disk only, with an index by when it ends. */
export class TtlStore {
  private readonly entries: Database<Entry, string>;
  private readonly ends: Database<true, [expiresAt: number, entry: string]>;
  private readonly counts: Database<Count, string>;
  /** Not committed yet, so that reading from disk does not show them. */
  private readonly writing = new Map<string, Entry>();
  private readonly countsOfNow = new Map<string, Count>();

  constructor(
    root: RootDatabase,
    private readonly now: () => number = () => Date.now(),
  ) {
    this.entries = root.openDB({ name: 'entries' });
    this.ends = root.openDB({ name: 'ends' });
    this.counts = root.openDB({ name: 'counts' });
  }

  recall(key: MemoryKey): string | undefined {
    const name = nameOf(key);
    const entry = this.writing.get(name) ?? this.entries.get(name);
    return entry === undefined || entry.expiresAt <= this.now() ? undefined : entry.value;
  }

  /** Resolves when it is committed. @returns whose bound kept it from being remembered */
  async remember(key: MemoryKey, value: string, caller?: Caller): Promise<MemoryBound['of'] | undefined> {
    const name = nameOf(key);
    const bytes = Buffer.byteLength(name) + Buffer.byteLength(value) + MEMORY_ENTRY_BYTES;
    if (this.recall(key) !== undefined) {
      return undefined;
    }
    const full = this.count(memoryBounds(key, caller), MEMORY_LIFE_MS[key.space], bytes);
    if (full !== undefined) {
      return full.of;
    }
    const entry = { value, expiresAt: this.now() + MEMORY_LIFE_MS[key.space] };
    this.writing.set(name, entry);
    try {
      await Promise.all([this.entries.put(name, entry), this.ends.put([entry.expiresAt, name], true)]);
    } finally {
      if (this.writing.get(name) === entry) this.writing.delete(name);
    }
    return undefined;
  }

  /** Removes at most `limit` that have had their time. @returns whether there may be more */
  async sweep(limit: number): Promise<boolean> {
    const over = [...this.ends.getKeys({ end: [this.now() + 1, ''], limit })];
    await Promise.all(
      over.flatMap((end) => {
        const [expiresAt, name] = end;
        // Remembered anew before it was swept: the new one has an end of its own.
        const isRenewed = (this.writing.get(name) ?? this.entries.get(name))?.expiresAt !== expiresAt;
        return [this.ends.remove(end), ...(isRenewed ? [] : [this.entries.remove(name)])];
      }),
    );
    return over.length === limit;
  }

  /** @returns the bound that has no room for it; then it counts nothing */
  private count(bounds: readonly MemoryBound[], life: number, bytes: number): MemoryBound | undefined {
    const full = bounds.find(({ name, maxBytes }) => this.countOf(name, life).bytes + bytes > maxBytes);
    if (full !== undefined) {
      return full;
    }
    for (const { name } of bounds) {
      const count = this.countOf(name, life);
      const sum = { ...count, bytes: count.bytes + bytes };
      this.countsOfNow.set(name, sum);
      // A count that is lost is begun anew: nobody waits for it.
      void this.counts.put(name, sum).catch(() => undefined);
    }
    return undefined;
  }

  private countOf(name: string, life: number): Count {
    const count = this.countsOfNow.get(name) ?? this.counts.get(name);
    return count === undefined || count.endsAt <= this.now() ? { bytes: 0, endsAt: this.now() + life } : count;
  }
}

function nameOf({ space, tenantId, key }: MemoryKey): string {
  return `${space}:${tenantId}:${key}`;
}
