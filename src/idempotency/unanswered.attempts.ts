import type { Attempt } from './attempt.js';
import { type Caller, MAX_BROKEN, MAX_NOTES_A_FINGERPRINT, type Note, NOTE_LIFE_MS } from './idempotency.store.js';

/** An attempt whose client got no answer. */
export interface BrokenAttempt {
  readonly tenantId: string;
  /** Whose bounds it counts in. */
  readonly owners: readonly string[];
  readonly fingerprint: string;
  readonly seed: string;
  durable: boolean;
  readonly brokenAt: number;
  /** What the store was told of it: nothing, that its events are durable, or that this is not known. */
  told: 'nothing' | 'durable' | 'unknown';
}

/** Those of one fingerprint; broken ones by seed, the oldest first. */
interface Attempts {
  readonly open: Set<Attempt>;
  readonly broken: Map<string, BrokenAttempt>;
}

const NONE: Attempts = { open: new Set(), broken: new Map() };

/**
 * This process's own attempts that have no answer: those being served, and for two minutes those whose client went away
 * or was answered 5xx. Bounded: the newest broken ones of a session, a public key or a tenant, and everybody's oldest, are
 * dropped beyond {@link MAX_BROKEN}.
 */
export class UnansweredAttempts {
  private readonly byFingerprint = new Map<string, Attempts>();
  /** In the order in which they broke. */
  private readonly broken = new Set<BrokenAttempt>();
  private readonly brokenOfOwner = new Map<string, number>();

  /** @param now in milliseconds, on a clock that never runs back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  open(attempt: Attempt): void {
    const attempts = this.byFingerprint.get(attempt.fingerprint);
    if (attempts === undefined) {
      this.byFingerprint.set(attempt.fingerprint, { open: new Set([attempt]), broken: new Map() });
    } else {
      attempts.open.add(attempt);
    }
  }

  /** Its client has an answer. */
  forget(attempt: Attempt): void {
    this.of(attempt.fingerprint).open.delete(attempt);
    this.tidy(attempt.fingerprint);
  }

  /** Its client has none. @returns undefined when it was not being served any more, or is one too many */
  break(attempt: Attempt): BrokenAttempt | undefined {
    const { tenantId, caller, fingerprint, note } = attempt;
    const attempts = this.of(fingerprint);
    if (!attempts.open.delete(attempt)) {
      return undefined;
    }
    let broken: BrokenAttempt | undefined;
    const bounds = boundsOf(tenantId, caller);
    if (bounds.every(([owner, max]) => (this.brokenOfOwner.get(owner) ?? 0) < max)) {
      const owners = bounds.map(([owner]) => owner);
      broken = { tenantId, owners, fingerprint, ...note, brokenAt: this.now(), told: 'nothing' };
      attempts.broken.set(note.seed, broken);
      this.broken.add(broken);
      for (const owner of owners) this.brokenOfOwner.set(owner, (this.brokenOfOwner.get(owner) ?? 0) + 1);
    }
    this.tidy(fingerprint);
    this.dropOld();
    return broken;
  }

  /** Its events are on disk after all, though its client was gone. @returns undefined when it is not among the broken */
  becomeDurable({ fingerprint, note: { seed } }: Attempt): BrokenAttempt | undefined {
    const broken = this.of(fingerprint).broken.get(seed);
    if (broken !== undefined) broken.durable = true;
    return broken;
  }

  openOf(fingerprint: string): ReadonlySet<Attempt> {
    return this.of(fingerprint).open;
  }

  brokenOf(fingerprint: string): readonly BrokenAttempt[] {
    this.dropOld();
    const { broken } = this.of(fingerprint);
    return broken.size === 0 ? [] : [...broken.values()];
  }

  /** The notes of what is being served, as many as the store takes. */
  notesOf(fingerprint: string): Note[] {
    const notes: Note[] = [];
    for (const attempt of this.of(fingerprint).open) {
      if (notes.length === MAX_NOTES_A_FINGERPRINT) break;
      notes.push(attempt.note);
    }
    return notes;
  }

  /** Somebody goes on with a broken attempt, or has. */
  drop(fingerprint: string, seed: string): void {
    const broken = this.of(fingerprint).broken.get(seed);
    if (broken !== undefined) this.remove(broken);
  }

  private of(fingerprint: string): Attempts {
    return this.byFingerprint.get(fingerprint) ?? NONE;
  }

  private dropOld(): void {
    const before = this.now() - NOTE_LIFE_MS;
    for (const broken of this.broken) {
      if (broken.brokenAt >= before && this.broken.size <= MAX_BROKEN.total) break;
      this.remove(broken);
    }
  }

  private remove(broken: BrokenAttempt): void {
    const { owners, fingerprint, seed } = broken;
    this.broken.delete(broken);
    this.of(fingerprint).broken.delete(seed);
    this.tidy(fingerprint);
    for (const owner of owners) {
      const left = (this.brokenOfOwner.get(owner) ?? 0) - 1;
      if (left > 0) this.brokenOfOwner.set(owner, left);
      else this.brokenOfOwner.delete(owner);
    }
  }

  private tidy(fingerprint: string): void {
    const { open, broken } = this.of(fingerprint);
    if (open.size === 0 && broken.size === 0) this.byFingerprint.delete(fingerprint);
  }
}

function boundsOf(tenantId: string, { apiKeyId, sessionId }: Caller): (readonly [owner: string, max: number])[] {
  const tenant = [tenantId, MAX_BROKEN.tenant] as const;
  return sessionId === undefined
    ? [tenant]
    : [[`${apiKeyId} ${sessionId}`, MAX_BROKEN.session], [apiKeyId, MAX_BROKEN.publicKey], tenant];
}
