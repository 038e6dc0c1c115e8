import { type OnApplicationShutdown } from '@nestjs/common';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { type CallsOfMinute, type EventAccount, type EventCount, LimitCounters } from './limit.counters.js';
import { MINUTE } from './minute.js';
import { EventCountsFile } from './event-counts.file.js';

/**
 * Counts in this process, for a deployment that has no other. The calls of a minute are forgotten with the process; the
 * events of a month are kept in a file, which a crash leaves as it was up to a second before.
 */
export class ProcessLimitCounters extends LimitCounters implements OnApplicationShutdown {
  private readonly minutes = new RateLimiterMemory(MINUTE);

  constructor(private readonly events: EventCountsFile) {
    super();
  }

  async addCall(tenantId: string): Promise<CallsOfMinute> {
    const { consumedPoints, msBeforeNext } = await this.minutes.consume(tenantId);
    return { calls: consumedPoints, msLeft: msBeforeNext };
  }

  reserveEvents(account: EventAccount, events: number, limit: number): Promise<EventCount> {
    const used = this.events.get(account);
    const isCounted = used + events <= limit;
    if (isCounted) this.events.set(account, used + events);
    return Promise.resolve({ isCounted, used });
  }

  releaseEvents(account: EventAccount, events: number): Promise<void> {
    this.events.set(account, Math.max(0, this.events.get(account) - events));
    return Promise.resolve();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.events.close();
  }
}
