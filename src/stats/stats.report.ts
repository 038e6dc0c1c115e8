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
  /** How many event types there are, also where not all of them are told. */
  readonly typeCount: number;
  /** Of all tenants' events of the last hour; undefined when there are none, or it cannot be told. */
  readonly lag: IngestionLag | undefined;
}

/** Puts the figures into the window's buckets. Totals are sums of the same figures, so that they always agree. */
export function statsReport(
  { starts }: StatsBuckets,
  { events, types, typeCount, users, uniqueUsers }: TenantStats,
  lag: IngestionLag | undefined,
): StatsReport {
  const eventsByBucket = new Map(events.map(({ bucket, count }) => [bucket.getTime(), count]));
  const usersByBucket = new Map(users.map(({ bucket, count }) => [bucket.getTime(), count]));
  return {
    totalEvents: events.reduce((total, { count }) => total + count, 0),
    uniqueUsers,
    timeseries: starts.map((bucket) => ({
      bucket,
      eventCount: eventsByBucket.get(bucket.getTime()) ?? 0,
      uniqueUsers: usersByBucket.get(bucket.getTime()) ?? 0,
    })),
    eventTypes: types,
    typeCount,
    lag,
  };
}
