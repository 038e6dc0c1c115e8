import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { withDeadline } from '../common/deadline.js';
import type { Attempt } from './attempt.js';
import { type Claim, IdempotencyStore, MAX_NOTES_A_FINGERPRINT, type Note } from './idempotency.store.js';
import { Settlements } from './settlements.js';
import { StoreAccess } from './store.access.js';
import { UnansweredAttempts } from './unanswered.attempts.js';

/** How long the end of the process waits for its last answers to be told. */
const SETTLE_WITHIN_MS = 500;

/** Attempts of one fingerprint that claim at the same moment. */
interface Group {
  readonly fingerprint: string;
  readonly attempts: readonly Attempt[];
}

interface Waiting {
  readonly attempt: Attempt;
  readonly resolve: () => void;
}

/**
 * Recognises the retries of clients that send nothing to recognise them by. The rule, and its limits: README.md beside
 * this file.
 */
@Injectable()
export class Retries implements OnApplicationShutdown {
  private readonly attempts = new UnansweredAttempts();
  private readonly settlements: Settlements;
  private waiting: Waiting[] = [];
  /** Their seeds may still change. */
  private readonly claiming = new Set<Attempt>();
  private lastClaims: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: IdempotencyStore,
    private readonly access: StoreAccess,
  ) {
    this.settlements = new Settlements(store, this.attempts);
  }

  /** Settles when the store has answered all claims that it has been sent so far. */
  get claimed(): Promise<void> {
    return this.lastClaims;
  }

  /**
   * To be called before the attempt's events are stamped with their final ids. Afterwards its seed is final, and `isDurable`
   * says whether they need not be published at all. Never rejects, and takes little more than a tenth of a second at most.
   */
  claim(attempt: Attempt): Promise<void> {
    this.attempts.open(attempt);
    this.claiming.add(attempt);
    return new Promise<void>((resolve) => {
      this.waiting.push({ attempt, resolve });
      // Requests whose bodies arrived in the same turn of the event loop share a question.
      if (this.waiting.length === 1) {
        setImmediate(() => {
          this.lastClaims = this.claimWaiting();
        });
      }
    });
  }

  /**
   * To be called right before the attempts' events are published: when this resolves, or is about to, whoever finds the
   * events in the queue finds the notes in the store. Never rejects.
   */
  async note(attempts: readonly Attempt[]): Promise<void> {
    if (!this.access.isAsking) {
      return;
    }
    // What was answered meanwhile is told along with it, and costs no write to disk of its own.
    this.settlements.send();
    const fingerprints = new Set<string>();
    for (const attempt of attempts) {
      attempt.isNoted = true;
      fingerprints.add(attempt.fingerprint);
    }
    const notes = Array.from(fingerprints, (fingerprint) => ({
      fingerprint,
      open: this.attempts.notesOf(fingerprint),
    }));
    await this.access.ask((store) => store.note(notes));
  }

  /** The attempt's events are on disk. */
  becomeDurable(attempt: Attempt): void {
    attempt.becomeDurable();
    if (this.attempts.becomeDurable(attempt)) this.settlements.add(attempt, 'soon');
  }

  async onApplicationShutdown(): Promise<void> {
    const told = this.settlements.close();
    await withDeadline(told, SETTLE_WITHIN_MS, () => new Error('not told')).catch(() => undefined);
    await this.store.close();
  }

  private async claimWaiting(): Promise<void> {
    const batch = this.waiting;
    this.waiting = [];
    await this.findPredecessors(this.groupsOf(batch));
    for (const { attempt, resolve } of batch) {
      this.claiming.delete(attempt);
      attempt.whenEnded((isAnswered) => {
        if (isAnswered) this.forget(attempt);
        else this.break(attempt);
      });
      resolve();
    }
  }

  /** What the store does not know of is for this process to hand over; then the store is asked. */
  private async findPredecessors(groups: readonly Group[]): Promise<void> {
    const left = groups.map((group) => this.takeOverUntold(group));
    const contested = await this.access.ask((store) => store.look(groups.map(({ fingerprint }) => fingerprint)));
    if (contested === undefined) {
      for (const group of left) this.goOnWithout(group);
      return;
    }
    const isContested = new Set(contested.value);
    const rest = left.filter(({ fingerprint }) => isContested.has(fingerprint));
    for (const group of left) if (!isContested.has(group.fingerprint)) this.goOnWith(group, []);
    if (rest.length > 0) await this.takeOverFromStore(rest);
  }

  private async takeOverFromStore(groups: readonly Group[]): Promise<void> {
    for (const { attempts } of groups) for (const attempt of attempts) attempt.isNoted = true;
    const answer = await this.access.ask((store) => store.claim(groups.map((group) => this.claimOf(group))));
    groups.forEach((group, i) => {
      if (answer === undefined) this.goOnWithout(group);
      else this.goOnWith(group, answer.value[i] ?? []);
    });
  }

  private groupsOf(batch: readonly Waiting[]): Group[] {
    const byFingerprint = new Map<string, Attempt[]>();
    for (const { attempt } of batch) {
      const group = byFingerprint.get(attempt.fingerprint);
      if (group === undefined) byFingerprint.set(attempt.fingerprint, [attempt]);
      else group.push(attempt);
    }
    return Array.from(byFingerprint, ([fingerprint, attempts]) => ({ fingerprint, attempts }));
  }

  /** The end of a connection is told after requests on new ones were read, if both arrived at the same moment. */
  private breakAbandoned(fingerprint: string, claiming: number): void {
    const open = this.attempts.openOf(fingerprint);
    if (open.size === claiming) {
      return;
    }
    for (const attempt of open) {
      if (attempt.isAbandoned && !this.claiming.has(attempt)) this.break(attempt);
    }
  }

  /** @returns who is left without a predecessor */
  private takeOverUntold({ fingerprint, attempts }: Group): Group {
    this.breakAbandoned(fingerprint, attempts.length);
    const untold = this.attempts.brokenOf(fingerprint).filter(({ told }) => told === 'nothing');
    if (untold.length === 0) {
      return { fingerprint, attempts };
    }
    untold.slice(0, attempts.length).forEach((broken, i) => {
      this.takeOver(attempts[i], broken);
    });
    return { fingerprint, attempts: attempts.slice(untold.length) };
  }

  private claimOf({ fingerprint, attempts }: Group): Claim {
    const isFresh = new Set(attempts);
    const kept = [...this.attempts.openOf(fingerprint)].filter((attempt) => !isFresh.has(attempt));
    const keptNotes = kept.slice(0, MAX_NOTES_A_FINGERPRINT).map(({ note }) => note);
    const room = MAX_NOTES_A_FINGERPRINT - keptNotes.length;
    return { fingerprint, kept: keptNotes, fresh: attempts.slice(0, room).map(({ note }) => note) };
  }

  private goOnWith({ fingerprint, attempts }: Group, taken: readonly Note[]): void {
    taken.forEach((note, i) => {
      const attempt = attempts[i];
      if (attempt === undefined) return;
      attempt.takeOver(note);
      this.attempts.drop(fingerprint, note.seed);
      // A message that was sent before this answer came may have written the seed that is no longer its own.
      this.settlements.add(attempt, 'later');
    });
    if (taken.length < attempts.length) {
      // The store has no more of them: what it once was told of, another instance has gone on with.
      for (const { seed, told } of this.attempts.brokenOf(fingerprint)) {
        if (told !== 'nothing') this.attempts.drop(fingerprint, seed);
      }
    }
  }

  private goOnWithout({ fingerprint, attempts }: Group): void {
    const broken = this.attempts.brokenOf(fingerprint);
    attempts.forEach((attempt, i) => {
      this.takeOver(attempt, broken[i]);
    });
  }

  private takeOver(attempt: Attempt | undefined, broken: (Note & { readonly fingerprint: string }) | undefined): void {
    if (attempt === undefined || broken === undefined) {
      return;
    }
    attempt.takeOver(broken);
    this.attempts.drop(broken.fingerprint, broken.seed);
    this.settlements.add(attempt, 'later', [broken.seed]);
  }

  private forget(attempt: Attempt): void {
    this.attempts.forget(attempt);
    if (attempt.isNoted) this.settlements.add(attempt, 'later');
  }

  private break(attempt: Attempt): void {
    if (this.attempts.break(attempt)) this.settlements.add(attempt, 'soon');
  }
}
