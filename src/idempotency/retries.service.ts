import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { withDeadline } from '../common/deadline.js';
import type { Attempt } from './attempt.js';
import { IdempotencyStore } from './idempotency.store.js';
import { Settlements } from './settlements.js';
import { StoreAccess } from './store.access.js';
import { type BrokenAttempt, UnansweredAttempts } from './unanswered.attempts.js';

/** How long the end of the process waits for its last answers to be told. */
const SETTLE_WITHIN_MS = 500;

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
   * To be called before the attempt's events are published. Afterwards its seed is final, and `isDurable` says whether they
   * need not be published at all. Never rejects, and takes a tenth of a second at most; nearly always, no time.
   */
  async claim(attempt: Attempt): Promise<void> {
    const { fingerprint } = attempt;
    this.breakAbandoned(fingerprint);
    this.attempts.open(attempt);
    const untold = this.attempts.brokenOf(fingerprint).find(({ told }) => told === 'nothing');
    if (untold !== undefined) {
      this.takeOver(attempt, untold);
    } else if (this.store.has(fingerprint)) {
      this.claiming.add(attempt);
      await this.takeFromStore(attempt);
      this.claiming.delete(attempt);
    }
    attempt.whenEnded((isAnswered) => {
      if (isAnswered) this.forget(attempt);
      else this.break(attempt);
    });
  }

  /**
   * To be called right before the attempts' events are published: whoever finds the events in the queue finds the notes in
   * the store. Never rejects.
   */
  async note(attempts: readonly Attempt[]): Promise<void> {
    const fingerprints = new Set<string>();
    for (const attempt of attempts) {
      attempt.isNoted = true;
      fingerprints.add(attempt.fingerprint);
    }
    await this.access.ask(() => this.settlements.note(fingerprints));
  }

  /** The attempt's events are on disk. */
  becomeDurable(attempt: Attempt): void {
    attempt.becomeDurable();
    const broken = this.attempts.becomeDurable(attempt);
    if (broken !== undefined) this.settlements.breaks(broken);
  }

  async onApplicationShutdown(): Promise<void> {
    const told = this.settlements.close();
    await withDeadline(told, SETTLE_WITHIN_MS, () => new Error('not told')).catch(() => undefined);
    await this.store.close();
  }

  /** The end of a connection is told after requests on new ones were read, if both arrived at the same moment. */
  private breakAbandoned(fingerprint: string): void {
    for (const attempt of this.attempts.openOf(fingerprint)) {
      if (attempt.isAbandoned && !this.claiming.has(attempt)) this.break(attempt);
    }
  }

  private async takeFromStore(attempt: Attempt): Promise<void> {
    const { fingerprint } = attempt;
    attempt.isNoted = true;
    const answer = await this.access.ask((store) => store.take(fingerprint));
    const broken = this.attempts.brokenOf(fingerprint);
    if (answer === undefined) {
      const [oldest] = broken;
      if (oldest !== undefined) this.takeOver(attempt, oldest);
    } else if (answer.value !== undefined) {
      attempt.takeOver(answer.value);
      this.attempts.drop(fingerprint, answer.value.seed);
    } else {
      // What the store once was told of, another instance has gone on with.
      for (const { seed, told } of broken) if (told !== 'nothing') this.attempts.drop(fingerprint, seed);
    }
  }

  private takeOver(attempt: Attempt, broken: BrokenAttempt): void {
    attempt.takeOver(broken);
    this.attempts.drop(broken.fingerprint, broken.seed);
    this.settlements.takes(broken);
  }

  private forget(attempt: Attempt): void {
    this.attempts.forget(attempt);
    if (attempt.isNoted) this.settlements.ends(attempt.fingerprint);
  }

  private break(attempt: Attempt): void {
    const broken = this.attempts.break(attempt);
    if (broken !== undefined) this.settlements.breaks(broken);
    if (attempt.isNoted) this.settlements.ends(attempt.fingerprint);
  }
}
