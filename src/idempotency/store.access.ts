import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { withDeadline } from '../common/deadline.js';
import { IdempotencyMetrics } from '../metrics/api.metrics.js';
import { type Caller, IdempotencyStore, type MemoryKey } from './idempotency.store.js';

/** A store answers in a millisecond or two. Longer than its usual pauses, shorter than clients notice. */
const ANSWER_WITHIN_MS = 100;
/** For how long nobody asks a store that gave no answer. */
const ASK_AGAIN_AFTER_MS = 1_000;
/** A store that is slow time and again is told of so often. */
const WARN_EVERY_MS = 60_000;

/** Asks the store and goes on without it when it is away: recognising repetitions never costs a request. */
@Injectable()
export class StoreAccess implements OnApplicationShutdown {
  private readonly logger = new Logger('Idempotency');
  private isAway = false;
  private warnedAt = -Infinity;
  private askAgainAt = -Infinity;

  constructor(
    private readonly store: IdempotencyStore,
    private readonly metrics: IdempotencyMetrics,
  ) {}

  /** Whether {@link ask} would ask now. */
  get isAsking(): boolean {
    return performance.now() >= this.askAgainAt;
  }

  /**
   * What the store answers; undefined when it gives no answer within 100 ms, and at once when it lately gave none. Never
   * rejects.
   */
  async ask<T>(question: (store: IdempotencyStore) => Promise<T>): Promise<{ readonly value: T } | undefined> {
    if (!this.isAsking) {
      return undefined;
    }
    // One finds out whether it is back; the others do not wait with it.
    if (this.isAway) this.askAgainAt = performance.now() + ASK_AGAIN_AFTER_MS;
    try {
      const value = await withDeadline(
        question(this.store),
        ANSWER_WITHIN_MS,
        () => new Error(`no answer within ${ANSWER_WITHIN_MS} ms`),
      );
      this.onAnswer();
      return { value };
    } catch (error) {
      this.onFailure(error);
      return undefined;
    }
  }

  /** Has the store remember something, if it answers and the caller's bounds have room for it. Never rejects. */
  async remember(key: MemoryKey, value: string, caller?: Caller): Promise<void> {
    const answer = await this.ask((store) => store.remember(key, value, caller));
    if (answer?.value !== undefined) this.metrics.notRemembered(answer.value);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.store.close();
  }

  private onAnswer(): void {
    if (!this.isAway) return;
    this.isAway = false;
    this.askAgainAt = -Infinity;
  }

  private onFailure(error: unknown): void {
    this.askAgainAt = performance.now() + ASK_AGAIN_AFTER_MS;
    if (this.isAway) return;
    this.isAway = true;
    const now = performance.now();
    if (now - this.warnedAt < WARN_EVERY_MS) return;
    this.warnedAt = now;
    const reason = error instanceof Error ? error.message : String(error);
    this.logger.warn(
      `Their store is away or slow (${reason}): until it answers again, requests with an Idempotency-Key and deliveries of Shopify are served again when they are repeated; their events are stored once all the same.`,
    );
  }
}
