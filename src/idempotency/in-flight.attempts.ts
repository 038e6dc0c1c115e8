import { NOTE_LIFE_MS, OLD_NOTE_MS } from '../transport/retry-notes.js';
import type { Attempt } from './attempt.js';

/** 50,000 take 15 MB: whoever breaks off requests on purpose fills nothing. */
const MAX_BROKEN = 50_000;

interface Entry {
  readonly attempt: Attempt;
  readonly since: number;
  /** When its client was left without an answer; undefined while it is being served. */
  brokenAt: number | undefined;
}

/**
 * This process's own attempts that have no answer: those being served, and for two minutes those whose client went away or was
 * answered 5xx. So a retry that reaches the same process is recognised whether or not Redis answers.
 */
export class InFlightAttempts {
  /** By fingerprint, the oldest first. */
  private readonly entries = new Map<string, Entry[]>();
  /** In the order in which they broke. */
  private readonly broken = new Set<Entry>();

  /** @param now in milliseconds, on a clock that never runs back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * The oldest attempt of the same request that broke, or has been waiting for so long that its client asks again. Each is given
   * once; whoever takes it over is waited for in its place.
   */
  take(fingerprint: string): Attempt | undefined {
    this.dropOld();
    const entry = this.entries.get(fingerprint)?.find((one) => this.isLeft(one));
    if (entry !== undefined) this.remove(entry);
    return entry?.attempt;
  }

  add(attempt: Attempt): void {
    const entry: Entry = { attempt, since: this.now(), brokenAt: undefined };
    const others = this.entries.get(attempt.fingerprint);
    if (others === undefined) this.entries.set(attempt.fingerprint, [entry]);
    else others.push(entry);
  }

  /** Its client has an answer. */
  answered(attempt: Attempt): void {
    const entry = this.find(attempt);
    if (entry !== undefined) this.remove(entry);
  }

  /** Its client has none. */
  broke(attempt: Attempt): void {
    const entry = this.find(attempt);
    if (entry === undefined) return;
    entry.brokenAt = this.now();
    this.broken.add(entry);
    this.dropOld();
  }

  private isLeft({ attempt, since, brokenAt }: Entry): boolean {
    return brokenAt !== undefined || attempt.isAbandoned || this.now() - since > OLD_NOTE_MS;
  }

  private find(attempt: Attempt): Entry | undefined {
    return this.entries.get(attempt.fingerprint)?.find((entry) => entry.attempt === attempt);
  }

  private dropOld(): void {
    for (const entry of this.broken) {
      const age = this.now() - (entry.brokenAt ?? 0);
      if (age <= NOTE_LIFE_MS && this.broken.size <= MAX_BROKEN) return;
      this.remove(entry);
    }
  }

  private remove(entry: Entry): void {
    const { fingerprint } = entry.attempt;
    this.broken.delete(entry);
    const others = this.entries.get(fingerprint)?.filter((one) => one !== entry) ?? [];
    if (others.length === 0) this.entries.delete(fingerprint);
    else this.entries.set(fingerprint, others);
  }
}
