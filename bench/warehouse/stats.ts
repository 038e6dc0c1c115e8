// GET /api/ingestion/stats/ on so many events of one tenant in the seven days of its window, some of them delivered twice,
// beside the plain question for the same rows.
import type { ClickHouseClient } from '@clickhouse/client';
import { statsBuckets } from '../../src/stats/stats.buckets.js';
import type { StatsWindow } from '../../src/stats/stats-window.js';
import { statsReport } from '../../src/stats/stats.report.js';
import { createClickHouseClient } from '../../src/warehouse/clickhouse.client.js';
import { EVENT_COLUMNS } from '../../src/warehouse/event-row.encoder.js';
import { Migrator } from '../../src/warehouse/migrator.js';
import { ingestionLag } from '../../src/warehouse/queries/ingestion-lag.query.js';
import { tenantStats } from '../../src/warehouse/queries/tenant-stats.query.js';
import type { Table } from '../figure.js';
import { quantile } from '../measure/quantile.js';
import { END, load } from './dataset.js';
import { elapsed, mergeAll, rowsOf } from './measure.js';

/** From the first midnight of the window to the end of the data: 6 days and 14 hours. */
const SPAN_US = 569_600_000_000;
const ROUNDS = 20;
const COLUMNS = EVENT_COLUMNS.join(', ');
const WINDOWS = ['7d', '24h'] as const satisfies StatsWindow[];

/** Loads the events into a database of their own, and asks for the stats as they are loaded and in one part. */
export async function measureStats(serverUrl: string, events: number): Promise<Table[]> {
  const url = `${serverUrl}/stats_${events}`;
  const client = createClickHouseClient(url, 4);
  try {
    await new Migrator(client, url).migrate();
    // Merges would remove the repeats, and take turns with what is measured.
    await client.command({ query: 'SYSTEM STOP MERGES events' });
    await load(client, { events, usApart: SPAN_US / events, tenant: "'acme'" });
    const of = `${(events / 1e6).toLocaleString('en')} million events in 7 days`;
    const withoutCopies = await measureWindows(client, `Stats of ${of}, as loaded, none of them delivered twice`);
    await deliverAgain(client);
    const asLoaded = await measureWindows(client, `Stats of ${of}, as loaded, one in a hundred delivered twice`);
    await client.command({ query: 'SYSTEM START MERGES events' });
    await mergeAll(url);
    const inOnePart = await measureWindows(client, `Stats of ${of}, in one part`);
    return [withoutCopies, asLoaded, inOnePart, await sizes(client, of)];
  } finally {
    await client.close();
  }
}

/**
 * One event in a hundred again, half of them under the keys of callers: within a minute, or within two days. The others under ids of
 * their requests, as retries within two minutes and as the same rows in another delivery; their first copies do not say that there are
 * others. None after the end of the data.
 */
async function deliverAgain(client: ClickHouseClient): Promise<void> {
  const columns = COLUMNS.replace('received_at', 'later AS received_at');
  await client.command({
    query: `
      INSERT INTO events (${COLUMNS}, may_have_copies)
      SELECT ${columns}, 1
      FROM (
        SELECT *, sipHash64(id, 1) AS h,
          received_at + toIntervalSecond(if(event_id = '', if(h % 2 = 0, 0, h % 120), if(h % 2 = 0, h % 60, h % 172800))) AS later
        FROM events WHERE sipHash64(id, 2) % if(event_id = '', 180, 20) = 0)
      WHERE later < fromUnixTimestamp64Milli(${END.getTime()})`,
  });
}

async function measureWindows(client: ClickHouseClient, title: string): Promise<Table> {
  const plain: number[] = [];
  const ours = WINDOWS.map((window) => ({ window, times: [] as number[] }));
  // In turns, so that whatever else the machine does disturbs all alike.
  for (let round = 0; round < ROUNDS; round++) {
    plain.push(await elapsed(() => plainAnswer(client)));
    for (const { window, times } of ours) times.push(await elapsed(() => answer(client, window)));
  }
  for (const window of WINDOWS) await requireExact(client, window);
  const at = (times: number[], q: number): number =>
    quantile(
      times.toSorted((a, b) => a - b),
      q,
    );
  const row = (name: string, times: number[]): string[] => [
    name,
    at(times, 0.5).toFixed(0),
    at(times, 0.95).toFixed(0),
    `${(at(times, 0.95) / at(plain, 0.95)).toFixed(2)} ×`,
  ];
  return {
    title,
    header: ['question', 'p50 ms', 'p95 ms', 'p95 to the plain p95'],
    rows: [
      row('plain: count(), uniqExact(user_id)', plain),
      ...ours.map(({ window, times }) => row(`stats of ${window}`, times)),
    ],
  };
}

async function answer(client: ClickHouseClient, window: StatsWindow) {
  const buckets = statsBuckets(window, END);
  const [figures, lag] = await Promise.all([
    tenantStats(client, 'acme', buckets, { skip: 0, limit: 1_000 }),
    ingestionLag(client),
  ]);
  return statsReport(buckets, figures, lag);
}

async function plainAnswer(client: ClickHouseClient): Promise<void> {
  const result = await client.query({
    query: `
      SELECT count(), uniqExact(user_id) FROM events
      WHERE tenant_id = 'acme' AND received_at >= fromUnixTimestamp64Milli({since: Int64})
      SETTINGS optimize_use_projections = 0`,
    query_params: { since: statsBuckets('7d', END).since.getTime() },
  });
  await result.text();
}

/**
 * Counts from the rows themselves, of equal events the one received last, and compares every figure.
 * @throws Error when one differs
 */
async function requireExact(client: ClickHouseClient, window: StatsWindow): Promise<void> {
  const { bucket, since } = statsBuckets(window, END);
  const start = bucket === 'hour' ? 'toStartOfHour' : 'toStartOfDay';
  const rows = await rowsOf(
    client,
    `SELECT toUnixTimestamp(${start}(last)) AS bucket, count(), uniqExact(user_id)
     FROM (
       SELECT user_id, max(received_at) AS last FROM events
       WHERE tenant_id = 'acme' AND received_at >= fromUnixTimestamp64Milli(${since.getTime()})
       GROUP BY event_type, user_id, id)
     GROUP BY bucket ORDER BY bucket
     SETTINGS optimize_use_projections = 0`,
  );
  const truth = rows.map((figures) => figures.map(Number).join(' '));
  const { timeseries } = await answer(client, window);
  const answered = timeseries.map(
    ({ bucket, eventCount, uniqueUsers }) => `${bucket.getTime() / 1000} ${eventCount} ${uniqueUsers}`,
  );
  if (truth.join() !== answered.join()) throw new Error(`The stats of ${window} are wrong`);
}

async function sizes(client: ClickHouseClient, of: string): Promise<Table> {
  const rows = await rowsOf(
    client,
    `SELECT name, sum(rows), sum(bytes_on_disk) FROM system.projection_parts
     WHERE database = currentDatabase() AND table = 'events' AND active GROUP BY name ORDER BY name`,
  );
  return {
    title: `What the projections of ${of} hold`,
    header: ['projection', 'rows', 'MB'],
    rows: rows.map(([name, count, bytes]) => [
      String(name),
      Number(count).toLocaleString('en'),
      (Number(bytes) / 1e6).toFixed(0),
    ]),
  };
}
