// The figures of docs/warehouse.md: npm run bench:warehouse. Takes about eight minutes on two cores and 5 GB of disk.
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { ClickHouseServer } = require('../../dist/embedded/clickhouse.server.js');
const { createClickHouseClient } = require('../../dist/warehouse/clickhouse.client.js');
const { EVENT_COLUMNS } = require('../../dist/warehouse/event-row.encoder.js');
const { Migrator } = require('../../dist/warehouse/migrator.js');
const { measureCodecs } = require('./codecs.bench.cjs');
const { measureConditions, measureCounting } = require('./conditions.bench.cjs');
const { EVENTS, select } = require('./dataset.cjs');
const { measureEncoder, measureInserts } = require('./inserts.bench.cjs');
const { elapsed, mergeAll } = require('./measure.cjs');
const { measurePayload } = require('./payload.bench.cjs');
const { measureStats } = require('./stats.bench.cjs');

const EVENTS_A_STATEMENT = 1_000_000;

async function main() {
  const dataDir = mkdtempSync(join(tmpdir(), 'segops-bench-warehouse-'));
  const server = await ClickHouseServer.start({ dataDir });
  const url = `${server.url}/bench`;
  const client = createClickHouseClient(url, 4);
  try {
    await measureEncoder();
    await measureInserts(server.url);
    await new Migrator(client, url).migrate();
    await measurePayload(client);
    const loading = await elapsed(() => load(client));
    console.log(`\n${EVENTS.toLocaleString('en')} events loaded in ${Math.round(loading / 1000)} s`);
    await measureConditions(client, 'Segment conditions on 10 million events, as loaded');
    await measureCounting(client);
    await mergeAll(url);
    await measureCodecs(client);
    await measureConditions(client, 'The same, every month merged into one part');
    await measureStats(server.url);
  } finally {
    await client.close();
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function load(client) {
  const columns = EVENT_COLUMNS.join(', ');
  for (let first = 0; first < EVENTS; first += EVENTS_A_STATEMENT) {
    await client.command({
      query: `INSERT INTO events (${columns}) SELECT ${columns} FROM (${select(first, EVENTS_A_STATEMENT)})`,
    });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
