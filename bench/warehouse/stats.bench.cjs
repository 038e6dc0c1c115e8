// GET /api/ingestion/stats/ on ten million events of one tenant in the seven days of its window, some of them delivered twice,
// beside the plain question for the same rows. By itself: node bench/warehouse/stats.bench.cjs
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { ClickHouseServer } = require('../../dist/embedded/clickhouse.server.js');
const { statsBuckets } = require('../../dist/stats/stats.buckets.js');
const { statsReport } = require('../../dist/stats/stats.report.js');
const { createClickHouseClient } = require('../../dist/warehouse/clickhouse.client.js');
const { EVENT_COLUMNS } = require('../../dist/warehouse/event-row.encoder.js');
const { Migrator } = require('../../dist/warehouse/migrator.js');
const { ingestionLag } = require('../../dist/warehouse/queries/ingestion-lag.query.js');
const { tenantStats } = require('../../dist/warehouse/queries/tenant-stats.query.js');
const { END, select } = require('./dataset.cjs');
const { elapsed, mergeAll, table } = require('./measure.cjs');

const EVENTS = 10_000_000;
const EVENTS_A_STATEMENT = 500_000;
/** All of them after the first midnight of the window: 6 days and 14 hours, which is 569,600 s. */
const DATA = { events: EVENTS, usApart: 56_960, tenant: "'acme'" };
const ROUNDS = 20;
const COLUMNS = EVENT_COLUMNS.join(', ');
const WINDOWS = ['7d', '24h'];

async function measureStats(serverUrl) {
  const url = `${serverUrl}/stats`;
  const client = createClickHouseClient(url, 4);
  try {
    await new Migrator(client, url).migrate();
    // Merges would remove the repeats, and take turns with what is measured.
    await client.command({ query: 'SYSTEM STOP MERGES events' });
    for (let first = 0; first < EVENTS; first += EVENTS_A_STATEMENT) {
      await client.command({
        query: `INSERT INTO events (${COLUMNS}) SELECT ${COLUMNS} FROM (${select(first, EVENTS_A_STATEMENT, DATA)})`,
      });
    }
    await deliverAgain(client);
    await measureWindows(client, 'Stats of 10 million events in 7 days, as loaded, 20,000 of them delivered twice');
    await client.command({ query: 'SYSTEM START MERGES events' });
    const merging = await elapsed(() => mergeAll(url));
    console.log(`\n10 million events merged into one part in ${Math.round(merging / 1000)} s`);
    await measureWindows(client, 'The same in one part');
    await reportSizes(client);
  } finally {
    await client.close();
  }
}

/** One keyed event in fifty: half of them within a minute, half of them within two days, none after the end of the data. */
async function deliverAgain(client) {
  const columns = COLUMNS.replace('received_at', 'later AS received_at');
  await client.command({
    query: `
      INSERT INTO events (${COLUMNS})
      SELECT ${columns}
      FROM (
        SELECT *, sipHash64(id, 1) AS h, received_at + toIntervalSecond(if(h % 2 = 0, h % 60, h % 172800)) AS later
        FROM events WHERE event_id != '' AND sipHash64(id, 2) % 50 = 0)
      WHERE later < fromUnixTimestamp64Milli(${END.getTime()})`,
  });
}

async function measureWindows(client, title) {
  const times = { baseline: [], '7d': [], '24h': [] };
  // In turns, so that whatever else the machine does disturbs all alike.
  for (let round = 0; round < ROUNDS; round++) {
    times.baseline.push(await elapsed(() => plainAnswer(client)));
    for (const window of WINDOWS) times[window].push(await elapsed(() => answer(client, window)));
  }
  const plain = quantiles(times.baseline);
  const rows = [row('plain: count(), uniqExact(user_id)', plain, plain)];
  for (const window of WINDOWS) {
    await requireExact(client, window);
    rows.push(row(`stats of ${window}`, quantiles(times[window]), plain));
  }
  table(title, ['question', 'p50 ms', 'p95 ms', 'p95 to the plain p95'], rows);
}

async function answer(client, window) {
  const buckets = statsBuckets(window, END);
  const [figures, lag] = await Promise.all([tenantStats(client, 'acme', buckets), ingestionLag(client)]);
  return statsReport(buckets, figures, lag);
}

async function plainAnswer(client) {
  const result = await client.query({
    query: `
      SELECT count(), uniqExact(user_id) FROM events
      WHERE tenant_id = 'acme' AND received_at >= fromUnixTimestamp64Milli({since: Int64})
      SETTINGS optimize_use_projections = 0`,
    query_params: { since: statsBuckets('7d', END).since.getTime() },
  });
  return result.text();
}

/** Counts from the rows themselves, of equal events the one received last, and compares every figure. */
async function requireExact(client, window) {
  const { bucket, since } = statsBuckets(window, END);
  const start = bucket === 'hour' ? 'toStartOfHour' : 'toStartOfDay';
  const result = await client.query({
    query: `
      SELECT toUnixTimestamp(${start}(last)) AS bucket, count(), uniqExact(user_id)
      FROM (
        SELECT user_id, max(received_at) AS last FROM events
        WHERE tenant_id = 'acme' AND received_at >= fromUnixTimestamp64Milli({since: Int64})
        GROUP BY event_type, user_id, id)
      GROUP BY bucket ORDER BY bucket
      SETTINGS optimize_use_projections = 0`,
    query_params: { since: since.getTime() },
    format: 'JSONCompactEachRow',
  });
  const truth = (await result.json()).map((figures) => figures.map(Number).join(' '));
  const { timeseries } = await answer(client, window);
  const answered = timeseries.map(
    ({ bucket, eventCount, uniqueUsers }) => `${bucket.getTime() / 1000} ${eventCount} ${uniqueUsers}`,
  );
  if (truth.join() !== answered.join()) throw new Error(`The stats of ${window} are wrong`);
}

async function reportSizes(client) {
  const result = await client.query({
    query: `
      SELECT name, sum(rows), sum(bytes_on_disk) FROM system.projection_parts
      WHERE database = currentDatabase() AND table = 'events' AND active GROUP BY name ORDER BY name`,
    format: 'JSONCompactEachRow',
  });
  const rows = (await result.json()).map(([name, count, bytes]) => [
    name,
    Number(count).toLocaleString('en'),
    (Number(bytes) / 1e6).toFixed(0),
  ]);
  table('What the projections hold', ['projection', 'rows', 'MB'], rows);
}

function quantiles(times) {
  const sorted = [...times].sort((a, b) => a - b);
  return { p50: sorted[sorted.length >> 1], p95: sorted[Math.ceil(sorted.length * 0.95) - 1] };
}

function row(name, { p50, p95 }, plain) {
  return [name, p50.toFixed(0), p95.toFixed(0), `${(p95 / plain.p95).toFixed(2)} ×`];
}

async function main() {
  const dataDir = mkdtempSync(join(tmpdir(), 'segops-bench-stats-'));
  const server = await ClickHouseServer.start({ dataDir });
  try {
    await measureStats(server.url);
  } finally {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

if (require.main === module) {
  main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
}

module.exports = { measureStats };
