const { performance } = require('node:perf_hooks');
const { createClient } = require('@clickhouse/client');

/** The shortest of three runs, in ms: the one that was disturbed least. */
async function best(run, runs = 3) {
  let shortest = Infinity;
  for (let i = 0; i < runs; i++) shortest = Math.min(shortest, await elapsed(run));
  return shortest;
}

async function elapsed(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Makes one part of every month of `events`. Takes longer than the service's own client waits. */
async function mergeAll(url) {
  const client = createClient({ url, request_timeout: 600_000 });
  try {
    await client.command({ query: 'OPTIMIZE TABLE events FINAL' });
  } finally {
    await client.close();
  }
}

function table(title, header, rows) {
  const lines = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  console.log(`\n${title}\n\n${lines.join('\n')}`);
}

module.exports = { best, elapsed, mergeAll, table };
