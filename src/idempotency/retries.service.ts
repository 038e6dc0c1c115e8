import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { withDeadline } from '../common/deadline.js';
import type { Attempt } from './attempt.js';
import { type Claim, IdempotencyStore, MAX_NOTES_A_FINGERPRINT, type Note } from './idempotency.store.js';
import { Settlements } from './settlements.js';
import { StoreAccess } from './store.access.js';
import { UnansweredAttempts } from './unanswered.attempts.js';

/** How long the end of the process waits for its last answers to be told. */
const SETTLE_WITHIN_MS = 500;

interface Waiting {
  readonly attempt: Attempt;
  /** @param isNoted whether the store may have been told of the attempt */
  readonly resolve: (isNoted: boolean) => void;
}

/** Attempts of one fingerprint that claim at the same moment. */
interface Group {
  readonly fingerprint: string;
  /** Those that the store is to find a predecessor for. */
  readonly fresh: readonly Attempt[];
}

/**
 * Recognises the retries of clients that send nothing to recognise them by. The rule, and its limits: README.md beside
 * this file. Requests that are served at the same moment share one question to the store.
 */
@Injectable()
export class Retries implements OnApplicationShutdown {
  private readonly attempts = new UnansweredAttempts();
  private readonly settlements: Settlements;
  private waiting: Waiting[] = [];
  private isClaiming = false;

  constructor(
    private readonly store: IdempotencyStore,
    private readonly access: StoreAccess,
  ) {
    this.settlements = new Settlements(store, this.attempts);
  }

  /**
   * To be called before the attempt's events are published. Afterwards its seed is final, and `isDurable` says whether
   * they need not be published at all. Never rejects, and takes at most a tenth of a second.
   */
  async claim(attempt: Attempt): Promise<void> {
    this.attempts.open(attempt);
    const isNoted = await new Promise<boolean>((resolve) => {
      this.waiting.push({ attempt, resolve });
      // Requests whose bodies arrived in the same turn of the event loop, or while a claim is on its way, share the next.
      if (this.waiting.length === 1 && !this.isClaiming) setImmediate(() => void this.claimWaiting());
    });
    attempt.whenEnded((isAnswered) => {
      if (isAnswered) this.forget(attempt, isNoted);
      else this.break(attempt);
    });
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
    this.isClaiming = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      const isNoted = await this.claimAll(batch.map(({ attempt }) => attempt));
      for (const { resolve } of batch) resolve(isNoted);
    }
    this.isClaiming = false;
  }

  /** @returns whether the store may have been told of them */
  private async claimAll(attempts: readonly Attempt[]): Promise<boolean> {
    const groups = this.groupsOf(attempts);
    const isNoted = this.access.isAsking;
    if (isNoted) {
      this.settlements.send();
      this.settlements.hold(new Set(groups.map(({ fingerprint }) => fingerprint)));
    }
    const answer = await this.access.ask((store) => store.claim(groups.map((group) => this.claimOf(group))));
    groups.forEach((group, i) => {
      if (answer === undefined) this.goOnWithout(group);
      else this.goOnWith(group, answer.value[i] ?? []);
    });
    if (isNoted) this.settlements.hold(new Set());
    return isNoted;
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
      this.breakAbandoned(fingerprint, group);
      groups.push({ fingerprint, fresh: this.takeOverUntold(fingerprint, group) });
    }
    return groups;
  }

  /** The end of a connection is told after requests on new ones were read, if both arrived at the same moment. */
  private breakAbandoned(fingerprint: string, claiming: readonly Attempt[]): void {
    const open = this.attempts.openOf(fingerprint);
    if (open.size === claiming.length) {
      return;
    }
    for (const attempt of open) {
      if (attempt.isAbandoned && !claiming.includes(attempt)) this.break(attempt);
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
    if (open.size === fresh.length) {
      return { fingerprint, kept: [], fresh: fresh.slice(0, MAX_NOTES_A_FINGERPRINT).map(({ note }) => note) };
    }
    const isFresh = new Set(fresh);
    const kept = [...open].filter((attempt) => !isFresh.has(attempt)).slice(0, MAX_NOTES_A_FINGERPRINT);
    const room = MAX_NOTES_A_FINGERPRINT - kept.length;
    return {
      fingerprint,
      kept: kept.map(({ note }) => note),
      fresh: fresh.slice(0, room).map(({ note }) => note),
    };
  }

  private goOnWith({ fingerprint, fresh }: Group, taken: readonly Note[]): void {
    taken.forEach((note, i) => {
      fresh[i]?.takeOver(note);
      this.attempts.drop(fingerprint, note.seed);
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
