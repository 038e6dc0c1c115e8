import { countUsersMeeting } from '../../src/warehouse/queries/users-meeting.query.js';
import type { Figure, Measurement } from '../figure.js';
import { median } from '../measure/median.js';
import { untilMerged } from '../measure/until-merged.js';
import { BASELINE, CONDITIONS } from '../warehouse/conditions.js';
import { load } from '../warehouse/dataset.js';
import { elapsed, rowsOf } from '../warehouse/measure.js';
import { withClickHouse } from '../warehouse/with-clickhouse.js';

const ROUNDS = 3;

/** How long each kind of segment condition takes on ten million events of a tenant with 100,000 users. */
export const segmentConditions: Figure = {
  name: 'segment-conditions',
  runs: 'default',
  perTransport: false,
  measure: ({ folder, say }) =>
    withClickHouse(folder, async (client, url) => {
      say('loading 12 million events');
      await load(client);
      await untilMerged(url);
      const baseline: number[] = [];
      const times = CONDITIONS.map(([what, condition]) => ({ what, condition, ms: [] as number[] }));
      // In turns, so that whatever else the machine does disturbs all alike.
      for (let round = 0; round < ROUNDS; round++) {
        for (const { condition, ms } of times) {
          baseline.push(await elapsed(() => rowsOf(client, BASELINE)));
          ms.push(await elapsed(() => countUsersMeeting(client, condition)));
        }
      }
      const measurements = times.map(({ what, ms }): Measurement => ({
        what: `10 M events: ${what}`,
        value: median(ms),
        unit: 'ms',
        baseline: median(baseline),
        bar: { ratioAtMost: 5 },
      }));
      return { measurements };
    }),
};
