import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;
/** Causes that are known for so long are no news when they come back. */
const KNOWN_FOR_MS = 60_000;
/** Of a cause that has another text each time. */
const TOLD_AT_MOST = 20;

/**
 * A time in which the warehouse stores nothing, as all batches in hand see it together: the waits grow with the outage
 * and not with each batch's own attempts, so that a batch which comes late does not start a new rush.
 */
export class Outage {
  private readonly shutdown = new AbortController();
  private since: number | undefined;
  /** When each cause was told. */
  private readonly told = new Map<string, number>();
  private hasTold = false;

  /** @param now in ms, and never set back: the time of day may be */
  constructor(private readonly now: () => number = () => performance.now()) {
    // Every batch in hand waits on it; their number is the worker's concurrency, not a leak.
    setMaxListeners(0, this.shutdown.signal);
  }

  /** @returns whether the cause is news: once an outage, and once a minute when outages come and go */
  begin(cause: string): boolean {
    this.since ??= this.now();
    if (this.told.has(cause) || this.told.size >= TOLD_AT_MOST) {
      return false;
    }
    this.told.set(cause, this.now());
    this.hasTold = true;
    return true;
  }

  /** @returns whether this is news: the first success after a failure that was */
  end(): boolean {
    if (this.since === undefined) {
      return false;
    }
    this.since = undefined;
    for (const [cause, at] of this.told) {
      if (this.now() - at > KNOWN_FOR_MS) this.told.delete(cause);
    }
    const { hasTold } = this;
    this.hasTold = false;
    return hasTold;
  }

  /** How long it has lasted, in ms. */
  get lastedMs(): number {
    return this.since === undefined ? 0 : this.now() - this.since;
  }

  /**
   * Waits before the next attempt: about as long as the outage has lasted, between a quarter of a second and 10 s, with
   * jitter.
   * @throws AbortError after {@link stopWaiting}
   */
  async wait(): Promise<void> {
    const wait = Math.min(LONGEST_WAIT_MS, Math.max(FIRST_WAIT_MS, this.lastedMs));
    await sleep(wait * (0.5 + Math.random() / 2), undefined, { signal: this.shutdown.signal });
  }

  /** Ends all waits, now and later, with an exception. */
  stopWaiting(): void {
    this.shutdown.abort();
  }
}
