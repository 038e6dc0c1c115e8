import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@clickhouse/client';
import type { AcceptedProbe } from '../load/load.order.js';

/** Each look costs ClickHouse a little, of what it has to store with; and what it takes longer to see it counts as the event's. */
const LOOK_EVERY_MS = 25;
/** Beyond this it does not matter any more how old an event is. */
export const GIVE_UP_AFTER_MS = 60_000;

/** Asks ClickHouse for each probe of a load until it is there. */
export class FreshnessProbe {
  private readonly acceptedAt = new Map<string, number>();
  private readonly ages: number[] = [];
  private hasEnded = false;
  private readonly looking: Promise<void>;

  constructor(clickhouseUrl: string) {
    this.looking = this.look(clickhouseUrl);
  }

  accepted({ probe, at }: AcceptedProbe): void {
    this.acceptedAt.set(probe, at);
  }

  /**
   * To be called when the load has ended.
   * @returns of each probe the time between its 202 and the first answer that has it, in ms; {@link GIVE_UP_AFTER_MS} where there is
   * none
   */
  async end(): Promise<readonly number[]> {
    this.hasEnded = true;
    await this.looking;
    return this.ages;
  }

  private async look(clickhouseUrl: string): Promise<void> {
    const client = createClient({ url: clickhouseUrl });
    try {
      while (!this.hasEnded || this.acceptedAt.size > 0) {
        await sleep(LOOK_EVERY_MS);
        const awaited = [...this.acceptedAt.keys()];
        if (awaited.length === 0) continue;
        const result = await client.query({
          query: `SELECT user_id FROM events
                  WHERE tenant_id = 'acme' AND event_type = 'freshness_probed' AND user_id IN {awaited: Array(String)}`,
          query_params: { awaited },
          format: 'JSONEachRow',
        });
        for (const { user_id } of await result.json<{ user_id: string }>()) this.settle(user_id, Date.now());
        for (const [probe, at] of this.acceptedAt) {
          if (Date.now() - at > GIVE_UP_AFTER_MS) this.settle(probe, at + GIVE_UP_AFTER_MS);
        }
      }
    } finally {
      await client.close();
    }
  }

  private settle(probe: string, now: number): void {
    const at = this.acceptedAt.get(probe);
    if (at !== undefined) this.ages.push(Math.max(0, now - at));
    this.acceptedAt.delete(probe);
  }
}
