import { BareFastify } from '../baseline/bare.fastify.js';
import { RunningDeployment } from '../deployment/running.deployment.js';
import type { FigureContext, Table } from '../figure.js';
import type { LoadOrder, LoadReport } from '../load/load.order.js';
import { LoadProcess } from '../load/load.process.js';
import { alternate } from '../measure/alternate.js';
import { CpuShares } from '../measure/cpu.shares.js';

const ROUND_SECONDS = 2;
/** What is accepted while nothing is stored yet has to wait somewhere. */
const SPOOL_MAX_BYTES = 16 * 2 ** 30;

export interface AcceptWishes extends Pick<LoadOrder, 'events' | 'connections'> {
  readonly rounds: number;
  readonly apis?: number;
}

export interface AcceptRounds {
  readonly baseline: readonly LoadReport[];
  readonly subject: readonly LoadReport[];
  /** Where the CPU went in the subject's rounds. */
  readonly cpu: Table;
}

/**
 * Sends the same bodies to a bare Fastify and to the service, in turns. ClickHouse is started afterwards, so that accepting is
 * measured and not storing; then all that was accepted must turn out to be stored.
 */
export async function acceptRounds(context: FigureContext, wishes: AcceptWishes): Promise<AcceptRounds> {
  const { events, connections, rounds, apis = 1 } = wishes;
  const settings = {
    SPOOL_MAX_BYTES: String(SPOOL_MAX_BYTES),
    ...(typeof events === 'number' && events > 500 ? { MAX_BATCH_EVENTS: String(events) } : {}),
  };
  const bare = await BareFastify.start();
  const load = await LoadProcess.start();
  try {
    return await RunningDeployment.during(context, { apis, warehouse: 'later', settings }, async (deployment) => {
      const order = { key: deployment.key, connections, events, until: { seconds: ROUND_SECONDS } };
      let accepted = 0;
      const measure = async (urls: readonly string[]): Promise<LoadReport> => load.run({ ...order, urls });
      const subject = async (): Promise<LoadReport> => {
        const report = await measure(deployment.apiUrls);
        accepted += report.acceptedEvents;
        return report;
      };
      const results = await alternate(rounds, () => measure([bare.url]), subject);
      const shares = new CpuShares([...deployment.processes, { name: 'load', pid: load.pid ?? 0 }]);
      const last = await deployment.profiled(subject);
      const cpu = shares.table(`CPU of accepting, ${describe(events)}`, last.acceptedEvents);
      await deployment.startWarehouse();
      await deployment.requireStored(accepted);
      return { ...results, cpu };
    });
  } finally {
    load.stop();
    bare.stop();
  }
}

function describe(events: LoadOrder['events']): string {
  return events === 'single' ? 'one event a request' : `${events} events a request`;
}
