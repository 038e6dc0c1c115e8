import type { Database } from 'lmdb';
import { type BrokenNote, MAX_BROKEN, type Note, NOTE_LIFE_MS, type OpenNotes } from '../idempotency.store.js';

/** An attempt that waits to be taken over. */
interface Left {
  readonly fingerprint: string;
  readonly seed: string;
  durable: boolean;
  /** When it broke, or when the process that left it open was gone: milliseconds since 1970. */
  readonly since: number;
}

/** The attempts of one fingerprint. */
interface Row {
  open: readonly Note[];
  left: Left[];
}

export type StoredRow = readonly [open: StoredNote[], left: [seed: string, durable: boolean, since: number][]];
type StoredNote = [seed: string, durable: boolean];

/**
 * The attempts of the one process that has the folder: in memory as they are, on disk for the next process. What is found
 * on disk at the start was left by a process that has ended.
 */
export class AttemptNotes {
  private readonly rows = new Map<string, Row>();
  /** All that wait, the oldest first. */
  private readonly left = new Set<Left>();
  private readonly leftOfTenant = new Map<string, number>();

  constructor(
    private readonly db: Database<StoredRow, string>,
    private readonly now: () => number = () => Date.now(),
  ) {
    for (const { key: fingerprint, value } of db.getRange()) this.inherit(fingerprint, value);
  }

  has(fingerprint: string): boolean {
    return this.rowOf(fingerprint).left.length > 0;
  }

  /** @returns when it is committed */
  take(fingerprint: string): { readonly note: Note | undefined; readonly committed: Promise<unknown> } {
    const row = this.rowOf(fingerprint);
    let note: Note | undefined;
    for (const left of [...row.left]) {
      if (note !== undefined) break;
      this.remove(row, left);
      if (this.now() - left.since <= NOTE_LIFE_MS) note = { seed: left.seed, durable: left.durable };
    }
    if (note !== undefined) row.open = [...row.open, note];
    return { note, committed: this.write(fingerprint, row) };
  }

  /** Resolves when it is committed. */
  note(notes: readonly OpenNotes[]): Promise<unknown> {
    return Promise.all(
      notes.map(({ fingerprint, open }) => {
        const row = this.rowOf(fingerprint);
        row.open = open;
        return this.write(fingerprint, row);
      }),
    );
  }

  /** Resolves when it is committed. */
  tell(broken: readonly BrokenNote[]): Promise<unknown> {
    return Promise.all(
      broken.map(({ tenantId, fingerprint, seed, durable, change }) => {
        const row = this.rowOf(fingerprint);
        const known = row.left.find((left) => left.seed === seed);
        switch (change) {
          case 'broken':
            if (known === undefined && this.hasRoomFor(tenantId)) {
              this.add(row, { fingerprint, seed, durable, since: this.now() });
            }
            break;
          case 'durable':
            if (known !== undefined) known.durable = true;
            break;
          case 'taken':
            if (known !== undefined) this.remove(row, known);
            break;
          default:
            change satisfies never;
        }
        return this.write(fingerprint, row);
      }),
    );
  }

  /** Removes at most `limit` that have had their time. @returns whether there may be more */
  async sweep(limit: number): Promise<boolean> {
    const writes: Promise<unknown>[] = [];
    for (const left of this.left) {
      if (writes.length === limit || this.now() - left.since <= NOTE_LIFE_MS) break;
      const row = this.rowOf(left.fingerprint);
      this.remove(row, left);
      writes.push(this.write(left.fingerprint, row));
    }
    await Promise.all(writes);
    return writes.length === limit;
  }

  private inherit(fingerprint: string, [open, left]: StoredRow): void {
    const row = this.rowOf(fingerprint);
    for (const [seed, durable, since] of left) this.add(row, { fingerprint, seed, durable, since });
    for (const [seed, durable] of open) this.add(row, { fingerprint, seed, durable, since: this.now() });
    if (row.left.length > 0) this.rows.set(fingerprint, row);
  }

  private rowOf(fingerprint: string): Row {
    return this.rows.get(fingerprint) ?? { open: [], left: [] };
  }

  private write(fingerprint: string, row: Row): Promise<unknown> {
    if (row.open.length === 0 && row.left.length === 0) {
      this.rows.delete(fingerprint);
      return this.db.remove(fingerprint);
    }
    this.rows.set(fingerprint, row);
    return this.db.put(fingerprint, [
      row.open.map(({ seed, durable }): StoredNote => [seed, durable]),
      row.left.map(({ seed, durable, since }) => [seed, durable, since]),
    ]);
  }

  private hasRoomFor(tenantId: string): boolean {
    return this.left.size < MAX_BROKEN.total && (this.leftOfTenant.get(tenantId) ?? 0) < MAX_BROKEN.tenant;
  }

  private add(row: Row, left: Left): void {
    row.left.push(left);
    this.left.add(left);
    const tenantId = tenantOf(left.fingerprint);
    this.leftOfTenant.set(tenantId, (this.leftOfTenant.get(tenantId) ?? 0) + 1);
  }

  private remove(row: Row, left: Left): void {
    row.left.splice(row.left.indexOf(left), 1);
    this.left.delete(left);
    const tenantId = tenantOf(left.fingerprint);
    const others = (this.leftOfTenant.get(tenantId) ?? 0) - 1;
    if (others > 0) this.leftOfTenant.set(tenantId, others);
    else this.leftOfTenant.delete(tenantId);
  }
}

function tenantOf(fingerprint: string): string {
  return fingerprint.slice(0, fingerprint.indexOf(':'));
}
