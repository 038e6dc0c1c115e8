import type { ClickHouseClient } from '@clickhouse/client';
import { WarehouseCluster } from '../clickhouse.client.js';
import { HOUR, supersededCopies } from './superseded-copies.js';

/** Which events count, by their time of receipt, and how they are put together. Both ends are the start of a bucket, in UTC. */
export interface StatsRange {
  readonly bucket: 'hour' | 'day';
  readonly since: Date;
  /** Exclusive. */
  readonly until: Date;
}

/** Which event types are told of: so many, in the order of their counts, after the first `skip`. */
export interface TypeRange {
  readonly skip: number;
  readonly limit: number;
}

export interface TenantStats {
  /** In no order; an hour or day without events is missing. */
  readonly events: readonly { readonly bucket: Date; readonly count: number }[];
  /** In the whole range, largest first, equal ones by name. */
  readonly types: readonly { readonly eventType: string; readonly count: number }[];
  /** How many event types there are. */
  readonly typeCount: number;
  /** In no order; an hour or day without users is missing. */
  readonly users: readonly { readonly bucket: Date; readonly count: number }[];
  /** Different users in the whole range. */
  readonly uniqueUsers: number;
}

interface ResultRow {
  readonly figure: 'events' | 'types' | 'users';
  /** Seconds since 1970. */
  readonly bucket: number;
  readonly eventType: string;
  readonly number: number;
  /** Among the rows of the figure, the largest number first; from 1. */
  readonly place: number;
  /** How many rows the figure has. */
  readonly places: number;
}

/** The bucket of the total that WITH ROLLUP adds: the default of its type. */
const ALL_BUCKETS = 0;

/**
 * Counts by bucket and counts by type, of which there may be tens of thousands: they are added up where they are, and only those
 * that are asked for leave. The first of the types always does, as it knows how many there are.
 */
function summary(figures: string): string {
  return `
    SELECT figure, bucket, eventType, number, place, places
    FROM (
      SELECT
        figure, bucket, eventType, number,
        row_number() OVER (PARTITION BY figure ORDER BY number DESC, eventType) AS place,
        count() OVER (PARTITION BY figure) AS places
      FROM (
        SELECT figure, if(figure = 'types', 0, start) AS bucket, if(figure = 'types', type, '') AS eventType, sum(n) AS number
        FROM (
          SELECT arrayJoin(if(kind = 'events', ['events', 'types'], ['users'])) AS figure, bucket AS start, eventType AS type, number AS n
          FROM (${figures})
        )
        GROUP BY figure, bucket, eventType
      )
    )
    WHERE figure != 'types' OR place = 1 OR (place > {skip: UInt32} AND place <= {skip: UInt32} + {limit: UInt32})
    ORDER BY figure, place`;
}

/** On a cluster each shard answers for its own users, and no other has events of theirs: what they say is added up. */
function onShards(client: ClickHouseClient, ask: (events: string) => string): string {
  const cluster = WarehouseCluster.of(client);
  return cluster === undefined
    ? ask('events')
    : `SELECT kind, bucket, eventType, sum(number) AS number
       FROM cluster('${cluster.name}', view(${ask(cluster.localTable('events'))}))
       GROUP BY kind, bucket, eventType`;
}

/** The expressions are those of the projections; with others ClickHouse would read the rows. */
const USER = 'sipHash64(user_id)';
const BUCKETS = {
  hour: { ofHour: HOUR, ofReceipt: HOUR },
  day: { ofHour: `toStartOfDay(${HOUR})`, ofReceipt: 'toStartOfDay(received_at)' },
} as const;

/**
 * How many events the tenant sent in each bucket and of each type, and how many users. Exact: of an event that is stored several
 * times the copy received last counts, and the others do not, whether they are merged away yet or not.
 *
 * One statement, so that all of it is about the same parts: a merge in between would remove copies that were counted. No scalar
 * subquery either (`WITH (SELECT …) AS x`): those see parts of their own.
 */
export async function tenantStats(
  client: ClickHouseClient,
  tenantId: string,
  { bucket, since, until }: StatsRange,
  types: TypeRange,
  signal?: AbortSignal,
): Promise<TenantStats> {
  const result = await client.query({
    query: summary(onShards(client, (events) => statement(bucket, events))),
    query_params: { tenantId, since: seconds(since), until: seconds(until), ...types },
    format: 'JSONEachRow',
    ...(signal && { abort_signal: signal }),
    clickhouse_settings: {
      enable_shared_storage_snapshot_in_query: 1,
      output_format_json_quote_64bit_integers: 0,
      // Nobody waits for the answer to a request that was given up.
      cancel_http_readonly_queries_on_client_close: 1,
    },
  });
  const rows = await result.json<ResultRow>();
  const of = (wanted: ResultRow['figure']) => rows.filter(({ figure }) => figure === wanted);
  const inBuckets = (wanted: 'events' | 'users') =>
    of(wanted).map(({ bucket, number }) => ({ bucket: new Date(bucket * 1000), count: number }));
  const users = inBuckets('users');
  return {
    events: inBuckets('events'),
    types: of('types')
      .filter(({ place }) => place > types.skip)
      .map(({ eventType, number }) => ({ eventType, count: number })),
    typeCount: of('types')[0]?.places ?? 0,
    users: users.filter(({ bucket }) => bucket.getTime() !== ALL_BUCKETS),
    uniqueUsers: users.find(({ bucket }) => bucket.getTime() === ALL_BUCKETS)?.count ?? 0,
  };
}

function statement(bucket: StatsRange['bucket'], events: string): string {
  const { ofHour, ofReceipt } = BUCKETS[bucket];
  const within = (time: string) =>
    `tenant_id = {tenantId: String} AND ${time} >= {since: DateTime('UTC')} AND ${time} < {until: DateTime('UTC')}`;
  return `
    SELECT kind, toUnixTimestamp(start) AS bucket, type AS eventType, sum(n) AS number
    FROM (
      SELECT 'events' AS kind, ${ofHour} AS start, toString(event_type) AS type, toInt64(count()) AS n
      FROM ${events} WHERE ${within(HOUR)}
      GROUP BY start, event_type
      UNION ALL
      SELECT 'users', ${ofReceipt} AS start, '', toInt64(uniqExact(${USER}))
      FROM ${events} WHERE ${within(ofReceipt)}
      GROUP BY start WITH ROLLUP
      UNION ALL
      ${corrections(ofHour, within(HOUR), events)}
    )
    GROUP BY kind, start, type
    HAVING number > 0`;
}

/**
 * What to add to the figures of a bucket: minus the superseded copies of each type, and minus the users all of whose rows in the
 * bucket are such copies. Only a user with a row whose event counts in another bucket may be one: their rows are counted.
 */
function corrections(bucket: string, within: string, events: string): string {
  const superseded = supersededCopies({ events, bucket, within });
  return `
    SELECT figure.1, start, figure.2, -figure.3
    FROM (
      SELECT start, arrayJoin(arrayConcat(
        arrayMap((type, copies) -> ('events', type, copies), sumMap(types, copies).1, sumMap(types, copies).2),
        [('users', '', toInt64(countIf(stored = arraySum(copies))))])) AS figure
      FROM (
        SELECT start, user, sum(n) AS stored, groupArrayIf(type, superseded > 0) AS types, groupArrayIf(superseded, superseded > 0) AS copies
        FROM (
          SELECT start, user, type, toInt64(0) AS n, superseded FROM (${superseded})
          UNION ALL
          SELECT ${bucket} AS start, user_id AS user, '' AS type, toInt64(count()) AS n, toInt64(0) AS superseded
          FROM ${events}
          WHERE ${within} AND user_id IN (SELECT user FROM (${superseded}) WHERE moved)
          GROUP BY start, user
        )
        GROUP BY start, user
        HAVING notEmpty(copies)
      )
      GROUP BY start
    )`;
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
