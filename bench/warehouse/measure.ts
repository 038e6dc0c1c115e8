import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';

/** The shortest of some runs, in ms: the one that was disturbed least. */
export async function best(run: () => Promise<unknown>, runs = 3): Promise<number> {
  let shortest = Infinity;
  for (let i = 0; i < runs; i++) shortest = Math.min(shortest, await elapsed(run));
  return shortest;
}

/** In ms. */
export async function elapsed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** The rows of a query, read to the end. */
export async function rowsOf(client: ClickHouseClient, query: string): Promise<unknown[][]> {
  const result = await client.query({ query, format: 'JSONCompactEachRow' });
  return result.json<unknown[]>();
}

/** Makes one part of every month of `events`. Takes longer than the service's own client waits. */
export async function mergeAll(url: string): Promise<void> {
  // It warns that long requests may be cut off by load balancers; there are none here.
  const client = createClient({ url, request_timeout: 600_000, log: { level: ClickHouseLogLevel.OFF } });
  try {
    await client.command({ query: 'OPTIMIZE TABLE events FINAL' });
  } finally {
    await client.close();
  }
}
