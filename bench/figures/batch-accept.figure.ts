import type { Figure } from '../figure.js';
import type { LoadReport } from '../load/load.order.js';
import { median } from '../measure/median.js';
import { acceptRounds } from './accept.rounds.js';

/** Enough that neither the service nor the baseline ever waits for a client. */
const CONNECTIONS = 32;

/** How many events a second one API process accepts in batches of this size. */
export function batchAccept(events: number): Figure {
  return {
    name: `batch-accept-${events}`,
    runs: 'default',
    perTransport: true,
    async measure(context) {
      const rounds = await acceptRounds(context, { events, connections: CONNECTIONS, rounds: context.full ? 9 : 3 });
      return {
        measurements: [
          {
            what: `batch accept, ${events} events a request`,
            value: median(rounds.subject.map(rate)),
            unit: 'events/s',
            baseline: median(rounds.baseline.map(rate)),
            bar: { ratioAtLeast: 0.4 },
          },
        ],
        tables: [rounds.cpu],
      };
    },
  };
}

function rate({ acceptedEvents, seconds }: LoadReport): number {
  return acceptedEvents / seconds;
}
