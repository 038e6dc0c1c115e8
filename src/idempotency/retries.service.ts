import { Injectable } from '@nestjs/common';
import { EventTransport } from '../transport/event-transport.js';
import type { RetryNote } from '../transport/retry-notes.js';
import type { Attempt } from './attempt.js';
import { InFlightAttempts } from './in-flight.attempts.js';

/**
 * The answers of a busy process are told with its next batch, in the same write to disk; after so long without one they are told
 * alone. Short enough for the note of an answered request to be gone before it is old, or an equal request would be taken for its
 * retry.
 */
const TELL_AFTER_MS = 200;
/** More is owed only to a queue that has been away for long, whose notes have run out by then. */
const MAX_OWED = 50_000;

/** Recognises the retries of clients that send nothing to recognise them by. The rule, and its limits: README.md beside this file. */
@Injectable()
export class Retries {
  private readonly unanswered = new InFlightAttempts();
  private answered: RetryNote[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly transport: EventTransport) {}

  /**
   * To be called before the attempt's events are published. Afterwards it has the seed of an earlier attempt of the same request, if
   * this process knows one whose client got no answer; `isDurable` says whether the events need not be published at all.
   */
  claim(attempt: Attempt): void {
    const earlier = this.unanswered.take(attempt.fingerprint);
    if (earlier !== undefined) {
      const { isNoted } = earlier;
      attempt.resume(earlier.note.seed);
      attempt.isNoted = isNoted;
      attempt.isDurable = earlier.isDurable;
    }
    this.unanswered.add(attempt);
    attempt.whenEnded((isAnswered) => {
      if (isAnswered) this.onAnswered(attempt);
      else this.unanswered.broke(attempt);
    });
  }

  /** Notes whose answers are out and that no message has removed yet. They are the caller's to have removed. */
  takeAnswered(): readonly RetryNote[] {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { answered } = this;
    this.answered = [];
    return answered;
  }

  /** What was taken could not be told. */
  giveBack(answered: readonly RetryNote[]): void {
    this.answered = [...answered, ...this.answered].slice(0, MAX_OWED);
    if (this.answered.length > 0) this.tellLater();
  }

  /** Resolves when the queue was told of all answers, or cannot be told. */
  async settled(): Promise<void> {
    const answered = this.takeAnswered();
    if (answered.length > 0) await this.transport.forget(answered).catch(() => undefined);
  }

  private onAnswered(attempt: Attempt): void {
    this.unanswered.answered(attempt);
    if (!attempt.isNoted || this.answered.length >= MAX_OWED) return;
    this.answered.push(attempt.note);
    this.tellLater();
  }

  private tellLater(): void {
    this.timer ??= setTimeout(() => {
      const answered = this.takeAnswered();
      this.transport.forget(answered).catch(() => {
        this.giveBack(answered);
      });
    }, TELL_AFTER_MS).unref();
  }
}
