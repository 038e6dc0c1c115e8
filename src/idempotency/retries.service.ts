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
  /** Those that the store is to find a predecessor for. */
  readonly fresh: readonly Attempt[];
}

/**
 * Recognises the retries of clients that send nothing to recognise them by. The rule, and its limits: README.md beside
 * this file.
 */
@Injectable()
export class Retries implements OnApplicationShutdown {
  private readonly attempts = new UnansweredAttempts();
  private readonly settlements: Settlements;
  /** Their seeds may still change. */
  private readonly claiming = new Set<Attempt>();

  constructor(
    private readonly store: IdempotencyStore,
    private readonly access: StoreAccess,
  ) {
    this.settlements = new Settlements(store, this.attempts);
  }

  /**
   * To be called before the attempts' events are published together. Afterwards their seeds are final, and `isDurable` says
   * of which the events need not be published at all. Never rejects, and takes at most a tenth of a second.
   */
  async claim(attempts: readonly Attempt[]): Promise<void> {
    for (const attempt of attempts) {
      this.attempts.open(attempt);
      this.claiming.add(attempt);
    }
    const isNoted = this.access.isAsking;
    const groups = this.groupsOf(attempts);
    const answer = await this.access.ask((store) => store.claim(groups.map((group) => this.claimOf(group))));
    groups.forEach((group, i) => {
      if (answer === undefined) this.goOnWithout(group);
      else this.goOnWith(group, answer.value[i] ?? []);
    });
    // What was answered meanwhile is told in one write to the store's disk with the batch that follows.
    if (isNoted) this.settlements.send();
    for (const attempt of attempts) {
      this.claiming.delete(attempt);
      attempt.whenEnded((isAnswered) => {
        if (isAnswered) this.forget(attempt, isNoted);
        else this.break(attempt);
      });
    }
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

  private groupsOf(attempts: readonly Attempt[]): Group[] {
    const byFingerprint = new Map<string, Attempt[]>();
    for (const attempt of attempts) {
      const group = byFingerprint.get(attempt.fingerprint);
      if (group === undefined) byFingerprint.set(attempt.fingerprint, [attempt]);
      else group.push(attempt);
    }
    const groups: Group[] = [];
    for (const [fingerprint, group] of byFingerprint) {
      this.breakAbandoned(fingerprint, group.length);
      groups.push({ fingerprint, fresh: this.takeOverUntold(fingerprint, group) });
    }
    return groups;
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

  /** What the store does not know of is for this process to hand over. @returns who is left without a predecessor */
  private takeOverUntold(fingerprint: string, group: readonly Attempt[]): readonly Attempt[] {
    const untold = this.attempts.brokenOf(fingerprint).filter(({ told }) => told === 'nothing');
    untold.slice(0, group.length).forEach((broken, i) => {
      this.takeOver(group[i], broken);
    });
    return group.slice(untold.length);
  }

  private claimOf({ fingerprint, fresh }: Group): Claim {
    const open = this.attempts.openOf(fingerprint);
    const isFresh = new Set(fresh);
    const kept =
      open.size === fresh.length
        ? []
        : [...open].filter((attempt) => !isFresh.has(attempt)).slice(0, MAX_NOTES_A_FINGERPRINT);
    const room = MAX_NOTES_A_FINGERPRINT - kept.length;
    return {
      fingerprint,
      kept: kept.map(({ note }) => note),
      fresh: fresh.slice(0, room).map(({ note }) => note),
    };
  }

  private goOnWith({ fingerprint, fresh }: Group, taken: readonly Note[]): void {
    taken.forEach((note, i) => {
      const attempt = fresh[i];
      if (attempt === undefined) return;
      attempt.takeOver(note);
      this.attempts.drop(fingerprint, note.seed);
      // Another claim, sent before this answer came, may have written the seed that is no longer its own.
      this.settlements.add(attempt, 'later');
    });
    if (taken.length < fresh.length) {
      // The store has no more of them: what it once was told of, another instance has gone on with.
      for (const { seed, told } of this.attempts.brokenOf(fingerprint)) {
        if (told !== 'nothing') this.attempts.drop(fingerprint, seed);
      }
    }
  }

  private goOnWithout({ fingerprint, fresh }: Group): void {
    const broken = this.attempts.brokenOf(fingerprint);
    fresh.forEach((attempt, i) => {
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

  private forget(attempt: Attempt, isNoted: boolean): void {
    this.attempts.forget(attempt);
    if (isNoted) this.settlements.add(attempt, 'later');
  }

  private break(attempt: Attempt): void {
    if (this.attempts.break(attempt)) this.settlements.add(attempt, 'soon');
  }
}
