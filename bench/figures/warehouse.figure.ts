import type { Figure, Table } from '../figure.js';
import { measureCodecs } from '../warehouse/codecs.js';
import { measureConditions, measureCounting } from '../warehouse/conditions.js';
import { load } from '../warehouse/dataset.js';
import { measureEncoder, measureInserts } from '../warehouse/inserts.js';
import { mergeAll } from '../warehouse/measure.js';
import { measurePayload } from '../warehouse/payload.js';
import { measureStats } from '../warehouse/stats.js';
import { withClickHouse } from '../warehouse/with-clickhouse.js';

const STATS_EVENTS = 10_000_000;

/** The tables of docs/warehouse.md. Takes about eight minutes on two cores and 5 GB of disk. */
export const warehouse: Figure = {
  name: 'warehouse',
  runs: 'named',
  perTransport: false,
  measure: ({ folder, say }) =>
    withClickHouse(folder, async (client, url, serverUrl) => {
      const tables: Table[] = [];
      say(await measureEncoder());
      tables.push(await measureInserts(serverUrl), await measurePayload(client));
      say('loading 12 million events');
      await load(client);
      tables.push(await measureConditions(client, 'Segment conditions on 10 million events, as loaded'));
      tables.push(await measureCounting(client));
      await mergeAll(url);
      tables.push(await measureCodecs(client));
      tables.push(await measureConditions(client, 'The same, every month merged into one part'));
      tables.push(...(await measureStats(serverUrl, STATS_EVENTS)));
      return { measurements: [], tables };
    }),
};
