import { Documented } from '../docs/documented.decorator.js';
import { closed, COUNT, listOf, oneOf, orNull, TEXT, WHOLE_SECOND } from '../docs/shapes.js';
import { STATS_WINDOWS } from './stats-window.js';

const STATS = closed(
  {
    window: oneOf(STATS_WINDOWS),
    total_events: COUNT,
    unique_users: COUNT,
    timeseries: listOf(closed({ bucket: WHOLE_SECOND, event_count: COUNT, unique_users: COUNT })),
    event_types: listOf(closed({ event_type: TEXT, count: COUNT })),
    ingestion_lag: orNull(closed({ p50_ms: COUNT, p95_ms: COUNT, p99_ms: COUNT })),
    queue: orNull(closed({ waiting_batches: COUNT, oldest_batch_age_ms: COUNT })),
  },
  { event_types_total: COUNT, event_types_next: TEXT },
);

/** The documentation of StatsController. */
export const statsDocs = {
  read: Documented({
    summary: 'Count the events of the last 24 hours or 7 days',
    description:
      'By time of receipt, in hours or days of UTC, the one that has begun included; oldest first and without gaps. An event that was delivered twice counts once. Of more than `limit` event types the most frequent are told: `event_types_total` then says how many there are, and `event_types_next` is the `cursor` for the next ones.',
    examples: {
      'a day': { query: { window: '24h' } },
      'a week': { query: { window: '7d' } },
    },
    answers: {
      200: {
        description:
          'What was received. `ingestion_lag` (from receipt until events can be queried, of those stored within the last hour; null when there are none, or it cannot be told) and `queue` (what waits; null when it cannot be asked) are of all tenants together.',
        schema: STATS,
      },
    },
  }),
};
