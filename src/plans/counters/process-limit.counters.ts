import { type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Limiter } from '../../metrics/limiter.metrics.js';
import { type Budget, LimitCounters, type Taken } from './limit.counters.js';
import { EventCountsFile } from './event-counts.file.js';

/** Of minutes, sessions and days together, about 20 MB; beyond it the longest unseen begins anew. */
const MAX_IN_MEMORY = 100_000;

/**
 * Counts in this process, for a deployment that has no other. What lives from its first count on is forgotten with the
 * process; the events of a month are kept in a file, which a crash leaves as it was up to a second before.
 */
export class ProcessLimitCounters extends LimitCounters implements OnApplicationShutdown {
  private readonly counts = new LRUCache<string, number>({ max: MAX_IN_MEMORY, noUpdateTTL: true });

  constructor(private readonly months: EventCountsFile) {
    super();
  }

  take(_: Limiter, budgets: readonly Budget[], count: number): Promise<Taken> {
    const used = budgets.map((budget) => this.used(budget));
    const short = budgets.findIndex(({ limit }, i) => (used[i] ?? 0) + count > limit);
    if (short === -1)
      budgets.forEach((budget, i) => {
        this.set(budget, (used[i] ?? 0) + count);
      });
    return Promise.resolve({
      budgets: budgets.map((budget, i) => ({ used: used[i] ?? 0, msLeft: this.msLeft(budget) })),
      short: short === -1 ? undefined : short,
    });
  }

  giveBack(_: Limiter, budgets: readonly Budget[], count: number): Promise<void> {
    for (const budget of budgets) {
      const used = this.used(budget);
      if (used > 0) this.set(budget, Math.max(0, used - count));
    }
    return Promise.resolve();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.months.close();
  }

  private used({ name, life }: Budget): number {
    return ('ms' in life ? this.counts.get(name) : this.months.get(name)) ?? 0;
  }

  private set({ name, life }: Budget, count: number): void {
    if ('ms' in life) this.counts.set(name, count, { ttl: life.ms });
    else this.months.set(name, count, life.untilEpochSeconds);
  }

  private msLeft({ name, life }: Budget): number {
    return 'ms' in life ? this.counts.getRemainingTTL(name) : life.untilEpochSeconds * 1000 - Date.now();
  }
}
