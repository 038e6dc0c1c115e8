import type { Figure } from '../figure.js';
import { median } from '../measure/median.js';
import { acceptRounds } from './accept.rounds.js';

const CONNECTIONS = 64;

/** How many requests for one event each a second one API process accepts, and how long the slowest of them take. */
export const singleAccept: Figure = {
  name: 'single-accept',
  runs: 'default',
  perTransport: true,
  async measure(context) {
    const { baseline, subject, cpu } = await acceptRounds(context, {
      events: 'single',
      connections: CONNECTIONS,
      rounds: context.full ? 9 : 3,
    });
    const what = `single accept, ${CONNECTIONS} connections`;
    return {
      measurements: [
        {
          what,
          value: median(subject.map(({ accepted, seconds }) => accepted / seconds)),
          unit: 'requests/s',
          baseline: median(baseline.map(({ accepted, seconds }) => accepted / seconds)),
          bar: { ratioAtLeast: 0.5 },
        },
        {
          what: `${what}, p99`,
          value: median(subject.map(({ p99Ms }) => p99Ms)),
          unit: 'ms',
          baseline: median(baseline.map(({ p99Ms }) => p99Ms)),
          bar: { ratioAtMost: 3 },
        },
      ],
      tables: [cpu],
    };
  },
};
