import type { BrokenNote, IdempotencyStore } from './idempotency.store.js';
import type { BrokenAttempt, UnansweredAttempts } from './unanswered.attempts.js';

/**
 * The answers of a busy process are told with its next batch, and share that batch's write to disk; after so many
 * milliseconds without one they are told alone. Until then their notes say that they are being served.
 */
const GATHER_MS = 100;
const TRY_AGAIN_AFTER_MS = 1_000;
/** More is owed only to a store that has been away for long, whose notes have run out by then. */
const MAX_OWED = 50_000;

/**
 * Tells the store what became of attempts. Of answers gathered and once; of broken attempts at once, and again until the
 * store has confirmed it. There is no deadline, since nobody waits: what a frozen store was sent it carries out in order
 * when it thaws.
 */
export class Settlements {
  /** Fingerprints of attempts that are not being served any more. */
  private readonly ended = new Set<string>();
  private broken = new Set<BrokenAttempt>();
  private taken: BrokenNote[] = [];
  private telling: Promise<void> | undefined;
  private noteTimer: NodeJS.Timeout | undefined;
  private tellTimer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private readonly store: IdempotencyStore,
    private readonly attempts: UnansweredAttempts,
  ) {}

  /** An attempt that the store was told of has ended. */
  ends(fingerprint: string): void {
    this.ended.add(fingerprint);
    if (this.isClosed) return;
    this.noteTimer ??= setTimeout(() => {
      // It was being served as far as the store knows; what fails now is mended when the store is back.
      this.note([]).catch(() => undefined);
    }, GATHER_MS).unref();
  }

  /** Notes what is being served of these fingerprints, and of those that had attempts which have ended. */
  async note(fingerprints: Iterable<string>): Promise<void> {
    clearTimeout(this.noteTimer);
    this.noteTimer = undefined;
    for (const fingerprint of fingerprints) this.ended.add(fingerprint);
    const notes = Array.from(this.ended, (fingerprint) => ({ fingerprint, open: this.attempts.notesOf(fingerprint) }));
    this.ended.clear();
    await this.store.note(notes);
  }

  /** There is something new to tell of a broken attempt. */
  breaks(attempt: BrokenAttempt): void {
    if (this.broken.size < MAX_OWED) this.broken.add(attempt);
    this.tell();
  }

  /** A broken attempt was taken over without the store. */
  takes(attempt: BrokenAttempt): void {
    this.broken.delete(attempt);
    if (this.taken.length < MAX_OWED) this.taken.push({ ...attempt, change: 'taken' });
    this.tell();
  }

  /** Tells the rest, and then no more. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.noteTimer);
    clearTimeout(this.tellTimer);
    if (this.ended.size > 0) await this.note([]);
    await this.telling;
    this.tell();
    await this.telling;
  }

  /** One message at a time, so that the store hears of every attempt in the order of its changes. */
  private tell(): void {
    if (this.telling !== undefined || this.tellTimer !== undefined || this.broken.size + this.taken.length === 0) {
      return;
    }
    this.telling = this.tellAll().finally(() => {
      this.telling = undefined;
      if (!this.isClosed) this.tell();
    });
  }

  private async tellAll(): Promise<void> {
    const { broken, taken } = this;
    this.broken = new Set();
    this.taken = [];
    const told = [...broken].map((attempt) => ({ attempt, durable: attempt.durable }));
    try {
      await this.store.tell([
        ...told.map(({ attempt }): BrokenNote => ({
          ...attempt,
          change: attempt.told === 'nothing' ? 'broken' : 'durable',
        })),
        ...taken,
      ]);
      for (const { attempt, durable } of told) attempt.told = durable ? 'durable' : 'unknown';
    } catch {
      // The newest of both: what was added meanwhile comes after it.
      this.broken = new Set([...broken, ...this.broken]);
      const gone = new Set(this.taken.map(({ seed }) => seed));
      for (const attempt of broken) if (gone.has(attempt.seed)) this.broken.delete(attempt);
      this.taken = [...taken, ...this.taken].slice(0, MAX_OWED);
      if (this.isClosed) return;
      this.tellTimer = setTimeout(() => {
        this.tellTimer = undefined;
        this.tell();
      }, TRY_AGAIN_AFTER_MS).unref();
    }
  }
}
