import type { ClickHouseClient } from '@clickhouse/client';

/** A ClickHouse that does not answer the smallest question within this time is away; one that does may take longer for a large one. */
const AWAY_AFTER_MS = 1_500;

/** Whether ClickHouse can be used at all. */
export class Warehouse {
  /** @param client nobody else's: the question must not wait behind inserts, nor they behind it */
  constructor(private readonly client: ClickHouseClient) {}

  close(): Promise<void> {
    return this.client.close();
  }

  /** Aborts after 1.5 s if ClickHouse is away: nobody should wait for its answer as long as for that to a large question. */
  signalOfAbsence(): AbortSignal {
    const giveUp = new AbortController();
    void this.ping(AWAY_AFTER_MS).then((answers) => {
      if (!answers) {
        giveUp.abort();
      }
    });
    return giveUp.signal;
  }

  /**
   * Asks ClickHouse for the `events` table: this needs the server, the credentials, the database and the schema.
   * @returns false when it says no, or nothing within `deadlineMs`
   */
  async ping(deadlineMs: number): Promise<boolean> {
    try {
      const result = await this.client.query({
        query: 'SELECT 1 FROM events LIMIT 0',
        abort_signal: AbortSignal.timeout(deadlineMs),
      });
      await result.text();
      return true;
    } catch {
      return false;
    }
  }
}
