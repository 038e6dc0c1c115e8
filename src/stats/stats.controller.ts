import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { Accepts, CurrentPrincipal, type Principal } from '../auth/principal.js';
import { StatsBody } from './dto/stats.body.js';
import { StatsQueryDto } from './dto/stats-query.dto.js';
import { QueueDepth, type QueueDepthReport } from './queue.depth.js';
import type { StatsReport } from './stats.report.js';
import { StatsService } from './stats.service.js';
import type { StatsWindow } from './stats-window.js';

/** Where a tenant's operators read how many events came in. */
@Controller('api/ingestion/stats')
@Accepts(['user', 'secret-key'])
export class StatsController {
  constructor(
    private readonly stats: StatsService,
    private readonly queue: QueueDepth,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Count the events of the last 24 hours or 7 days',
    description:
      'By time of receipt, in hours or days of UTC, the one that has begun included; oldest first and without gaps. An event that was delivered twice counts once. Of more than `limit` event types the most frequent are told: `event_types_total` then says how many there are, and `event_types_next` is the `cursor` for the next ones.',
  })
  @ApiOkResponse({
    description:
      'What was received. `ingestion_lag` (from receipt until events can be queried, of those stored within the last hour; null when there are none, or it cannot be told) and `queue` (what waits; null when it cannot be asked) are of all tenants together.',
    type: StatsBody,
  })
  async read(
    @CurrentPrincipal() { tenantId }: Principal,
    @Query() { window, limit, cursor }: StatsQueryDto,
  ): Promise<StatsBody> {
    const types = { skip: Number(cursor), limit };
    const [report, queue] = await Promise.all([this.stats.read(tenantId, window, types), this.queue.read()]);
    return { ...toBody(window, report, queue), ...whatIsLeft(report, types.skip) };
  }
}

/** Nothing when all event types are told. */
function whatIsLeft({ eventTypes, typeCount }: StatsReport, skipped: number) {
  const next = skipped + eventTypes.length;
  return {
    ...(typeCount > eventTypes.length ? { event_types_total: typeCount } : {}),
    ...(typeCount > next ? { event_types_next: String(next) } : {}),
  };
}

function toBody(window: StatsWindow, report: StatsReport, queue: QueueDepthReport | undefined) {
  const { lag } = report;
  return {
    window,
    total_events: report.totalEvents,
    unique_users: report.uniqueUsers,
    timeseries: report.timeseries.map(({ bucket, eventCount, uniqueUsers }) => ({
      bucket: `${bucket.toISOString().slice(0, 19)}Z`,
      event_count: eventCount,
      unique_users: uniqueUsers,
    })),
    event_types: report.eventTypes.map(({ eventType, count }) => ({ event_type: eventType, count })),
    ingestion_lag: lag
      ? { p50_ms: Math.round(lag.p50Ms), p95_ms: Math.round(lag.p95Ms), p99_ms: Math.round(lag.p99Ms) }
      : null,
    queue: queue ? { waiting_batches: queue.waitingBatches, oldest_batch_age_ms: queue.oldestBatchAgeMs } : null,
  };
}
