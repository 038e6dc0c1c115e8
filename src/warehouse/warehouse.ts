import type { ClickHouseClient } from '@clickhouse/client';

/** Whether ClickHouse can be used at all. */
export class Warehouse {
  constructor(private readonly client: ClickHouseClient) {}

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
