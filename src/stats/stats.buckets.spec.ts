import { statsBuckets } from './stats.buckets.js';

const starts = (window: '24h' | '7d', now: string) =>
  statsBuckets(window, new Date(now)).starts.map((start) => start.toISOString());

describe('statsBuckets', () => {
  it('should be the last 24 hours, the one that has begun included', () => {
    const hours = starts('24h', '2026-03-29T01:30:00Z');
    expect(hours).toHaveLength(24);
    expect(hours[0]).toBe('2026-03-28T02:00:00.000Z');
    expect(hours[23]).toBe('2026-03-29T01:00:00.000Z');
  });

  it('should be the last 7 days of UTC, today included, across the end of a month', () => {
    expect(starts('7d', '2026-03-03T23:59:59.999Z')).toEqual(
      ['02-25', '02-26', '02-27', '02-28', '03-01', '03-02', '03-03'].map((day) => `2026-${day}T00:00:00.000Z`),
    );
  });

  it('should begin a new bucket with the first millisecond of an hour, and not before', () => {
    expect(starts('24h', '2026-11-20T14:59:59.999Z')[23]).toBe('2026-11-20T14:00:00.000Z');
    expect(starts('24h', '2026-11-20T15:00:00.000Z')[23]).toBe('2026-11-20T15:00:00.000Z');
    expect(starts('7d', '2026-11-21T00:00:00.000Z')[6]).toBe('2026-11-21T00:00:00.000Z');
  });

  it('should cover exactly its buckets', () => {
    const { since, until } = statsBuckets('7d', new Date('2026-11-20T15:00:00Z'));
    expect([since, until]).toEqual([new Date('2026-11-14T00:00:00Z'), new Date('2026-11-21T00:00:00Z')]);
  });
});
