import type { Figure, Table } from '../figure.js';
import { measureStats } from '../warehouse/stats.js';
import { withClickHouse } from '../warehouse/with-clickhouse.js';

const SIZES = [1_000_000, 10_000_000];
const LARGEST = 50_000_000;

/** How the stats of a tenant grow with its events; with 50 million of them only at full length. */
export const growthOfStats: Figure = {
  name: 'growth-of-stats',
  runs: 'full',
  perTransport: false,
  measure: ({ folder, full, say }) =>
    withClickHouse(folder, async (_client, _url, serverUrl) => {
      const tables: Table[] = [];
      for (const events of full ? [...SIZES, LARGEST] : SIZES) {
        say(`${events.toLocaleString('en')} events`);
        tables.push(...(await measureStats(serverUrl, events)));
      }
      return { measurements: [], tables };
    }),
};
