import { ClickHouseClient } from '@clickhouse/client';
import { Injectable } from '@nestjs/common';
import { unavailable } from '../common/errors.js';
import { ingestionLag } from '../warehouse/queries/ingestion-lag.query.js';
import { tenantStats, type TypeRange } from '../warehouse/queries/tenant-stats.query.js';
import { Warehouse } from '../warehouse/warehouse.js';
import { statsBuckets } from './stats.buckets.js';
import { StatsClock } from './stats.clock.js';
import { type StatsReport, statsReport } from './stats.report.js';
import type { StatsWindow } from './stats-window.js';

const RETRY_AFTER_SECONDS = 5;

/** Tells tenants what was received of their events. */
@Injectable()
export class StatsService {
  constructor(
    private readonly client: ClickHouseClient,
    private readonly warehouse: Warehouse,
    private readonly clock: StatsClock,
  ) {}

  /**
   * The tenant's events of the window that ends now, by time of receipt, and how long events are on their way.
   * @throws ApiError 503 when ClickHouse does not answer
   */
  async read(tenantId: string, window: StatsWindow, types: TypeRange): Promise<StatsReport> {
    const buckets = statsBuckets(window, this.clock.now());
    const signal = this.warehouse.signalOfAbsence();
    try {
      const [figures, lag] = await Promise.all([
        tenantStats(this.client, tenantId, buckets, types, signal),
        // No reason to hold back the figures: during an upgrade its table may not be there yet.
        ingestionLag(this.client, signal).catch(() => undefined),
      ]);
      return statsReport(buckets, figures, lag);
    } catch (error) {
      // Only the name: ClickHouse quotes the statement in its messages.
      const reason = `Stats could not be read. ${error instanceof Error ? error.name : 'unknown error'}`;
      throw unavailable('Stats cannot be read at the moment. Ask again.', RETRY_AFTER_SECONDS, reason);
    }
  }
}
