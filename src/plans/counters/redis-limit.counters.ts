import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { withDeadline } from '../../common/deadline.js';
import { messageOf } from '../../common/operator.error.js';
import { type Limiter, LimiterMetrics } from '../../metrics/api.metrics.js';
import { type Budget, LimitCounters, type Taken } from './limit.counters.js';

/**
 * Checks and counts in one step, so that instances do not exceed a limit together. KEYS: the budgets. ARGV: the count; for each
 * budget its limit, PEXPIRE or EXPIREAT, and the argument of that. Answers the index (from 1) of the first that has too little
 * left, or 0; then for each what was used before, and the milliseconds left.
 */
const TAKE = `
local count, answer = tonumber(ARGV[1]), { 0 }
for i, key in ipairs(KEYS) do
  local used = tonumber(redis.call('GET', key) or 0)
  if answer[1] == 0 and used + count > tonumber(ARGV[3 * i - 1]) then answer[1] = i end
  answer[2 * i] = used
end
for i, key in ipairs(KEYS) do
  if answer[1] == 0 and redis.call('INCRBY', key, count) == count then
    redis.call(ARGV[3 * i], key, ARGV[3 * i + 1])
  end
  answer[2 * i + 1] = redis.call('PTTL', key)
end
return answer`;

/** An expired count is not made again, which would be below zero and without an end. */
const GIVE_BACK = `
for _, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then redis.call('DECRBY', key, ARGV[1]) end
end`;

/** Counts in the Redis that all instances share. */
export class RedisLimitCounters extends LimitCounters {
  private readonly redis: LimitRedis;

  constructor(
    redis: Redis,
    metrics: LimiterMetrics,
    private readonly keyPrefix: string,
  ) {
    super();
    this.redis = new LimitRedis(redis, metrics);
  }

  async take(limiter: Limiter, budgets: readonly Budget[], count: number): Promise<Taken | undefined> {
    const args = budgets.flatMap(({ limit, life }) =>
      'ms' in life ? [limit, 'PEXPIRE', life.ms] : [limit, 'EXPIREAT', life.untilEpochSeconds],
    );
    const answer = await this.redis.ask(limiter, (redis) =>
      redis.eval(TAKE, budgets.length, ...this.keysOf(budgets), count, ...args),
    );
    if (answer === undefined) return undefined;
    const [short = 0, ...numbers] = answer as number[];
    return {
      budgets: budgets.map((_, i) => ({ used: numbers[2 * i] ?? 0, msLeft: Math.max(0, numbers[2 * i + 1] ?? 0) })),
      short: short === 0 ? undefined : short - 1,
    };
  }

  async giveBack(limiter: Limiter, budgets: readonly Budget[], count: number): Promise<void> {
    await this.redis.ask(limiter, (redis) => redis.eval(GIVE_BACK, budgets.length, ...this.keysOf(budgets), count));
  }

  private keysOf(budgets: readonly Budget[]): string[] {
    return budgets.map(({ name }) => `${this.keyPrefix}:${name}`);
  }
}

/** Longer than Redis's usual pauses (a fork, a slow command), shorter than callers notice. */
const ANSWER_WITHIN_MS = 150;
/** How long a Redis that gave no answer is not asked again. */
const ASK_AGAIN_AFTER_MS = 1_000;

/** Asks Redis without holding up a request: a limiter that fails lets traffic through. */
export class LimitRedis {
  private readonly logger = new Logger('Limits');
  private isAway = false;
  private askAgainAt = -Infinity;

  constructor(
    private readonly redis: Redis,
    private readonly metrics: LimiterMetrics,
  ) {}

  /**
   * The answer of Redis; undefined when there is none within 150 ms, and at once when there was none lately. Never rejects.
   * @param limiter each undefined counts as its failure
   */
  async ask<T>(limiter: Limiter, question: (redis: Redis) => Promise<T>): Promise<T | undefined> {
    const now = performance.now();
    if (now < this.askAgainAt) {
      this.metrics.failed(limiter);
      return undefined;
    }
    // One request tests whether Redis is back; the others do not wait for it.
    if (this.isAway) this.askAgainAt = now + ASK_AGAIN_AFTER_MS;
    try {
      if (this.redis.status !== 'ready') throw new Error('not connected');
      const timeout = () => new Error(`no answer within ${ANSWER_WITHIN_MS} ms`);
      const answer = await withDeadline(question(this.redis), ANSWER_WITHIN_MS, timeout);
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
    this.logger.error(
      `Calls and events are not limited while Redis does not count them (${messageOf(error)}). Check REDIS_URL and that Redis runs.`,
    );
  }
}
