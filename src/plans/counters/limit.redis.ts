import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { withDeadline } from '../../common/deadline.js';
import { type Limiter, LimiterMetrics } from '../../metrics/limiter.metrics.js';

/** Redis answers in a millisecond. Longer than its usual pauses (a fork, a slow command), shorter than callers notice. */
const ANSWER_WITHIN_MS = 150;
/** For how long nobody asks a Redis that gave no answer. */
const ASK_AGAIN_AFTER_MS = 1_000;

/** What limiters ask of Redis, none of which may hold up a request: a limiter that fails lets traffic through. */
export class LimitRedis {
  private readonly logger = new Logger('Limits');
  private isAway = false;
  private askAgainAt = -Infinity;

  constructor(
    private readonly redis: Redis,
    private readonly metrics: LimiterMetrics,
  ) {}

  /**
   * What Redis answers to `question`; undefined when it gives no answer within 150 ms, and at once when it lately gave
   * none. Never rejects.
   * @param limiter who asks: every undefined counts as its failure
   */
  async ask<T>(limiter: Limiter, question: (redis: Redis) => Promise<T>): Promise<T | undefined> {
    const now = performance.now();
    if (now < this.askAgainAt) {
      this.metrics.failed(limiter);
      return undefined;
    }
    // One request finds out whether Redis is back; the others do not wait with it.
    if (this.isAway) this.askAgainAt = now + ASK_AGAIN_AFTER_MS;
    try {
      if (this.redis.status !== 'ready') throw new Error('not connected');
      const answer = await withDeadline(
        question(this.redis),
        ANSWER_WITHIN_MS,
        () => new Error(`no answer within ${ANSWER_WITHIN_MS} ms`),
      );
      this.onAnswer();
      return answer;
    } catch (error) {
      this.onFailure(error);
      this.metrics.failed(limiter);
      return undefined;
    }
  }

  private onAnswer(): void {
    if (!this.isAway) return;
    this.isAway = false;
    this.askAgainAt = -Infinity;
    this.logger.log('Calls and events are limited again.');
  }

  private onFailure(error: unknown): void {
    this.askAgainAt = performance.now() + ASK_AGAIN_AFTER_MS;
    if (this.isAway) return;
    this.isAway = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.logger.error(
      `Calls and events are not limited while Redis does not count them (${reason}). Check REDIS_URL and that Redis runs.`,
    );
  }
}
