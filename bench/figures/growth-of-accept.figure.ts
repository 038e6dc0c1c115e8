import type { Figure, FigureContext } from '../figure.js';
import { SINGLE_PROCESS_TRANSPORTS } from '../deployment/single-process.transports.js';
import { median } from '../measure/median.js';
import { acceptRounds } from './accept.rounds.js';

const CONNECTIONS = 32;
const SIZES = [500, 1_000, 2_000];

/** How accepting grows with the size of batches and with the number of API processes. */
export const growthOfAccept: Figure = {
  name: 'growth-of-accept',
  runs: 'full',
  perTransport: true,
  async measure(context) {
    const rows: (string | number)[][] = [];
    for (const apis of SINGLE_PROCESS_TRANSPORTS.has(context.transport) ? [1] : [1, 2]) {
      for (const events of SIZES) rows.push(await row(context, events, apis));
    }
    const header = ['events a request', 'API processes', 'events/s', 'one bare Fastify', 'ratio'];
    return { measurements: [], tables: [{ title: 'Growth of accepting', header, rows }] };
  },
};

async function row(context: FigureContext, events: number, apis: number): Promise<(string | number)[]> {
  const { baseline, subject } = await acceptRounds(context, { events, connections: CONNECTIONS, rounds: 3, apis });
  const rate = (reports: typeof subject): number =>
    median(reports.map(({ acceptedEvents, seconds }) => acceptedEvents / seconds));
  return [String(events), String(apis), rate(subject), rate(baseline), rate(subject) / rate(baseline)];
}
