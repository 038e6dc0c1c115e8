import { type BrokenNote, type IdempotencyStore, NOTE_LIFE_MS, type Settlement } from './idempotency.store.js';
import type { BrokenAttempt, UnansweredAttempts } from './unanswered.attempts.js';

/**
 * The answers of a busy process are told with its next batch, and share that batch's write to disk; after so many
 * milliseconds without one they are told alone. Until then their notes say that they are being served.
 */
const GATHER_MS = 25;
const TRY_AGAIN_AFTER_MS = 1_000;
/** More are owed only to a store that has been away for long, whose notes have run out by then. */
const MAX_DUE = 100_000;

interface Due {
  readonly tenantId: string;
  readonly taken: readonly string[];
  readonly since: number;
}

interface Told {
  readonly broken: BrokenAttempt;
  readonly durable: boolean;
}

/**
 * Tells the store what became of attempts: gathered, in the background, and again until it has been told. There is no
 * deadline, since nobody waits: what a frozen store was sent it carries out in order when it thaws.
 */
export class Settlements {
  /** By fingerprint, the oldest first. */
  private readonly due = new Map<string, Due>();
  private sending: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private immediate: NodeJS.Immediate | undefined;
  private isClosed = false;

  constructor(
    private readonly store: IdempotencyStore,
    private readonly attempts: UnansweredAttempts,
  ) {}

  /** Something has changed. @param when `soon`: clients may come back with a retry at any moment */
  add(
    { tenantId, fingerprint }: Pick<Settlement, 'tenantId' | 'fingerprint'>,
    when: 'soon' | 'later',
    taken: readonly string[] = [],
  ): void {
    const before = this.due.get(fingerprint);
    if (before === undefined) {
      this.due.set(fingerprint, { tenantId, taken, since: performance.now() });
    } else if (taken.length > 0) {
      this.due.set(fingerprint, { ...before, taken: [...before.taken, ...taken] });
    }
    this.schedule(when);
  }

  /** Sends what is due now, together with whatever is sent in this turn of the event loop. */
  send(): void {
    if (this.sending !== undefined || this.due.size === 0) {
      return;
    }
    this.sending = this.sendDue().finally(() => {
      this.sending = undefined;
    });
  }

  /** Tells the rest, and then no more. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
    await this.sending;
    this.send();
    await this.sending;
  }

  private schedule(when: 'soon' | 'later'): void {
    if (this.isClosed) {
      return;
    }
    if (when === 'soon') {
      this.immediate ??= setImmediate(() => {
        this.immediate = undefined;
        this.send();
      });
    } else {
      this.sendAfter(GATHER_MS);
    }
  }

  private sendAfter(ms: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.send();
    }, ms);
    this.timer.unref();
  }

  private async sendDue(): Promise<void> {
    const sent: [fingerprint: string, due: Due][] = [];
    const settlements: Settlement[] = [];
    const told: Told[] = [];
    for (const [fingerprint, due] of this.due) {
      sent.push([fingerprint, due]);
      settlements.push(this.settlementOf(fingerprint, due, told));
    }
    this.due.clear();
    try {
      await this.store.settle(settlements);
      for (const { broken, durable } of told) broken.told = durable ? 'durable' : 'unknown';
      if (this.due.size > 0 && !this.isClosed) this.sendAfter(GATHER_MS);
    } catch {
      // StoreAccess has logged that the store is away, or will with the next request.
      this.tellAgain(sent);
    }
  }

  private settlementOf(fingerprint: string, { tenantId, taken }: Due, told: Told[]): Settlement {
    const broken: BrokenNote[] = [];
    for (const attempt of this.attempts.brokenOf(fingerprint)) {
      const { seed, durable } = attempt;
      if (attempt.told === 'nothing' || (attempt.told === 'unknown' && durable)) {
        broken.push({ seed, durable, isUpdate: attempt.told !== 'nothing' });
        told.push({ broken: attempt, durable });
      }
    }
    return { tenantId, fingerprint, open: this.attempts.notesOf(fingerprint), broken, taken };
  }

  private tellAgain(sent: readonly [fingerprint: string, due: Due][]): void {
    const before = performance.now() - NOTE_LIFE_MS;
    for (const [fingerprint, due] of sent) {
      if (due.since < before || this.due.size >= MAX_DUE) continue;
      const newer = this.due.get(fingerprint);
      this.due.set(fingerprint, newer === undefined ? due : { ...due, taken: [...due.taken, ...newer.taken] });
    }
    if (this.due.size > 0 && !this.isClosed) this.sendAfter(TRY_AGAIN_AFTER_MS);
  }
}
