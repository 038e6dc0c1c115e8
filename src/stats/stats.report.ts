import type { IngestionLag } from '../warehouse/queries/ingestion-lag.query.js';
import type { TenantStats } from '../warehouse/queries/tenant-stats.query.js';
import type { StatsBuckets } from './stats.buckets.js';

/** What was received of a tenant's events within a window. */
export interface StatsReport {
  readonly totalEvents: number;
  readonly uniqueUsers: number;
  /** Oldest first, without gaps. */
  readonly timeseries: readonly { readonly bucket: Date; readonly eventCount: number; readonly uniqueUsers: number }[];
  /** Largest first, equal ones by name. */
  readonly eventTypes: readonly { readonly eventType: string; readonly count: number }[];
  /** Of all tenants' events of the last hour; undefined when there are none, or it cannot be told. */
  readonly lag: IngestionLag | undefined;
}

/** Puts the figures into the window's buckets. Totals are sums of the same figures, so that they always agree. */
export function statsReport(
  { starts }: StatsBuckets,
  { events, users, uniqueUsers }: TenantStats,
  lag: IngestionLag | undefined,
): StatsReport {
  const eventsByBucket = new Map<number, number>();
  const eventsByType = new Map<string, number>();
  for (const { bucket, eventType, count } of events) {
    eventsByBucket.set(bucket.getTime(), (eventsByBucket.get(bucket.getTime()) ?? 0) + count);
    eventsByType.set(eventType, (eventsByType.get(eventType) ?? 0) + count);
  }
  const usersByBucket = new Map(users.map(({ bucket, count }) => [bucket.getTime(), count]));
  return {
    totalEvents: events.reduce((total, { count }) => total + count, 0),
    uniqueUsers,
    timeseries: starts.map((bucket) => ({
      bucket,
      eventCount: eventsByBucket.get(bucket.getTime()) ?? 0,
      uniqueUsers: usersByBucket.get(bucket.getTime()) ?? 0,
    })),
    eventTypes: [...eventsByType]
      .map(([eventType, count]) => ({ eventType, count }))
      .sort((a, b) => b.count - a.count || (a.eventType < b.eventType ? -1 : 1)),
    lag,
  };
}
