import type { Figure } from '../figure.js';
import { SINGLE_PROCESS_TRANSPORTS } from '../deployment/single-process.transports.js';
import { median } from '../measure/median.js';
import { endToEndRounds } from './end-to-end.rounds.js';

const SIZES = [500, 1_000, 2_000];
const TOTAL = 1_000_000;

/** How the whole way grows with the size of batches and with the number of API processes. */
export const growthOfEndToEnd: Figure = {
  name: 'growth-of-end-to-end',
  runs: 'full',
  perTransport: true,
  async measure(context) {
    const rows: (string | number)[][] = [];
    for (const apis of SINGLE_PROCESS_TRANSPORTS.has(context.transport) ? [1] : [1, 2]) {
      for (const events of SIZES) {
        const { baseline, subject } = await endToEndRounds(context, { total: TOTAL, events, rounds: 1, apis });
        const [own, straight] = [median(subject), median(baseline)];
        rows.push([String(events), String(apis), own, straight, own / straight]);
      }
    }
    const header = ['events a request', 'API processes', 'events/s', 'straight inserts', 'ratio'];
    return { measurements: [], tables: [{ title: 'Growth end to end, a million events', header, rows }] };
  },
};
