import type { StatsRange } from '../warehouse/queries/tenant-stats.query.js';
import type { StatsWindow } from './stats-window.js';

const MS_PER_HOUR = 3_600_000;
const MS_PER_DAY = 24 * MS_PER_HOUR;

/** What a window is made of: buckets in UTC, all of equal length, the last one being that of now. */
export interface StatsBuckets extends StatsRange {
  /** When each bucket starts, oldest first. */
  readonly starts: readonly Date[];
}

/** The last 24 hours or 7 days by the clock, the one that has begun included. Unix time has no leap seconds: division aligns. */
export function statsBuckets(window: StatsWindow, now: Date): StatsBuckets {
  switch (window) {
    case '24h':
      return bucketsUpTo(now, { bucket: 'hour', ms: MS_PER_HOUR, count: 24 });
    case '7d':
      return bucketsUpTo(now, { bucket: 'day', ms: MS_PER_DAY, count: 7 });
    default:
      return window satisfies never;
  }
}

function bucketsUpTo(
  now: Date,
  { bucket, ms, count }: { bucket: StatsRange['bucket']; ms: number; count: number },
): StatsBuckets {
  const until = (Math.floor(now.getTime() / ms) + 1) * ms;
  const since = until - count * ms;
  return {
    bucket,
    since: new Date(since),
    until: new Date(until),
    starts: Array.from({ length: count }, (_, i) => new Date(since + i * ms)),
  };
}
