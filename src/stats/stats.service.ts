import { ClickHouseClient } from '@clickhouse/client';
import { Injectable } from '@nestjs/common';
import { unavailable } from '../common/errors.js';
import { type TenantStats, tenantStats } from '../warehouse/queries/tenant-stats.query.js';
import { Warehouse } from '../warehouse/warehouse.js';
import { type StatsBuckets, statsBuckets } from './stats.buckets.js';
import { StatsClock } from './stats.clock.js';
import { type StatsReport, statsReport } from './stats.report.js';
import type { StatsWindow } from './stats-window.js';

const RETRY_AFTER_SECONDS = 5;
/** A ClickHouse that does not answer the smallest question within this time is away; one that does may take longer to count. */
const AWAY_AFTER_MS = 1_500;

/** Tells tenants what was received of their events. */
@Injectable()
export class StatsService {
  constructor(
    private readonly client: ClickHouseClient,
    private readonly warehouse: Warehouse,
    private readonly clock: StatsClock,
  ) {}

  /**
   * The tenant's events of the window that ends now, by time of receipt.
   * @throws ApiError 503 when ClickHouse does not answer
   */
  async read(tenantId: string, window: StatsWindow): Promise<StatsReport> {
    const buckets = statsBuckets(window, this.clock.now());
    try {
      return statsReport(buckets, await this.count(tenantId, buckets));
    } catch (error) {
      // Only the name: ClickHouse quotes the statement in its messages.
      const reason = `Stats could not be read. ${error instanceof Error ? error.name : 'unknown error'}`;
      throw unavailable('Stats cannot be read at the moment. Ask again.', RETRY_AFTER_SECONDS, reason);
    }
  }

  private async count(tenantId: string, buckets: StatsBuckets): Promise<TenantStats> {
    const giveUp = new AbortController();
    void this.warehouse.ping(AWAY_AFTER_MS).then((answers) => {
      if (!answers) {
        giveUp.abort();
      }
    });
    return tenantStats(this.client, tenantId, buckets, giveUp.signal);
  }
}
