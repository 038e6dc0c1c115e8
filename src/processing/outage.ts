import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

/**
 * A time in which the warehouse stores nothing, as all batches in hand see it together: the waits grow with the outage
 * and not with each batch's own attempts, so that a batch which comes late does not start a new rush.
 */
export class Outage {
  private readonly shutdown = new AbortController();
  private since: number | undefined;

  constructor() {
    // Every batch in hand waits on it; their number is the worker's concurrency, not a leak.
    setMaxListeners(0, this.shutdown.signal);
  }

  /** @returns whether this is the news: the first failure after a success */
  begin(): boolean {
    if (this.since !== undefined) {
      return false;
    }
    this.since = Date.now();
    return true;
  }

  /** @returns whether this is the news: the first success after a failure */
  end(): boolean {
    const wasOut = this.since !== undefined;
    this.since = undefined;
    return wasOut;
  }

  /**
   * Waits before the next attempt: about as long as the outage has lasted, between a quarter of a second and 10 s, with
   * jitter.
   * @throws AbortError after {@link stopWaiting}
   */
  async wait(): Promise<void> {
    const lasted = Date.now() - (this.since ?? Date.now());
    const wait = Math.min(LONGEST_WAIT_MS, Math.max(FIRST_WAIT_MS, lasted));
    await sleep(wait * (0.5 + Math.random() / 2), undefined, { signal: this.shutdown.signal });
  }

  /** Ends all waits, now and later, with an exception. */
  stopWaiting(): void {
    this.shutdown.abort();
  }
}
