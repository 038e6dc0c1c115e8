import type { Database } from 'lmdb';
import { NOTE_LIFE_MS, OLD_NOTE_MS, type PublishOptions, type RetryNote } from '../retry-notes.js';

export type StoredNote = readonly [seed: string, at: number];

/** Notes of the requests of the one process that has the folder: in memory as they are, on disk for the next process. */
export class SpoolNotes {
  /** The oldest first. */
  private readonly notes = new Map<string, StoredNote>();

  /** @param now milliseconds since 1970 */
  constructor(
    private readonly db: Database<StoredNote, string>,
    private readonly now: () => number = () => Date.now(),
  ) {
    const found = [...db.getRange()].sort((a, b) => a.value[1] - b.value[1]);
    for (const { key, value } of found) this.notes.set(key, value);
  }

  /**
   * Keeps the notes, unless there are older ones of other attempts: then it keeps none. What the caller writes to the same
   * environment right after it is on disk no earlier.
   * @returns the older ones
   */
  keep(options: PublishOptions): readonly RetryNote[] {
    const older = this.find(options);
    if (older.length > 0) return older;
    for (const { fingerprint, seed } of options.notes ?? []) {
      const noted = this.notes.get(fingerprint)?.[0];
      if (noted === undefined || noted === seed) this.put(fingerprint, [seed, this.now()]);
    }
    return older;
  }

  /** Removes notes whose answers are out. @returns the older ones of other attempts; it keeps nothing */
  find({ notes = [], answered = [] }: PublishOptions): readonly RetryNote[] {
    if (this.notes.size === 0) return [];
    this.dropOld();
    for (const { fingerprint, seed } of answered) {
      if (this.notes.get(fingerprint)?.[0] === seed) this.remove(fingerprint);
    }
    const taken = new Set(
      notes.filter(({ fingerprint, seed }) => this.notes.get(fingerprint)?.[0] === seed).map(nameOf),
    );
    const older: RetryNote[] = [];
    for (const { fingerprint } of notes) {
      const [seed, at] = this.notes.get(fingerprint) ?? ['', Infinity];
      if (taken.has(fingerprint) || this.now() - at <= OLD_NOTE_MS) continue;
      taken.add(fingerprint);
      older.push({ fingerprint, seed });
    }
    return older;
  }

  private dropOld(): void {
    for (const [fingerprint, [, at]] of this.notes) {
      if (this.now() - at <= NOTE_LIFE_MS) return;
      this.remove(fingerprint);
    }
  }

  private put(fingerprint: string, note: StoredNote): void {
    this.notes.delete(fingerprint);
    this.notes.set(fingerprint, note);
    // A disk that takes no note takes no batch either, of which the caller hears.
    this.db.put(fingerprint, note).catch(() => undefined);
  }

  private remove(fingerprint: string): void {
    this.notes.delete(fingerprint);
    this.db.remove(fingerprint).catch(() => undefined);
  }
}

function nameOf({ fingerprint }: RetryNote): string {
  return fingerprint;
}
