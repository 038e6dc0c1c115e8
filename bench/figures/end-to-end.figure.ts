import type { Figure } from '../figure.js';
import { median } from '../measure/median.js';
import { endToEndRounds } from './end-to-end.rounds.js';

const TOTAL = 2_000_000;
const EVENTS_A_REQUEST = 500;

/** How many events a second go the whole way, while all processes share this machine. */
export const endToEnd: Figure = {
  name: 'end-to-end',
  runs: 'default',
  perTransport: true,
  async measure(context) {
    const rounds = { total: TOTAL, events: EVENTS_A_REQUEST, rounds: context.full ? 3 : 1 };
    const { baseline, subject, cpu } = await endToEndRounds(context, rounds);
    return {
      measurements: [
        {
          what: 'end to end, 2 million events in batches of 500',
          value: median(subject),
          unit: 'events/s',
          baseline: median(baseline),
          bar: { ratioAtLeast: 0.4 },
          note: 'from the first byte sent until the last event is queryable; the baseline is the limit: the same rows as RowBinary, 50,000 an insert, straight into such a table.',
        },
      ],
      tables: [cpu],
    };
  },
};
