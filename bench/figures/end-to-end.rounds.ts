import { insertStraight } from '../baseline/straight.inserts.js';
import { RunningDeployment } from '../deployment/running.deployment.js';
import type { FigureContext, Table } from '../figure.js';
import { LoadProcess } from '../load/load.process.js';
import { CpuShares } from '../measure/cpu.shares.js';
import { untilMerged } from '../measure/until-merged.js';

const CONNECTIONS = 16;

export interface EndToEndWishes {
  /** Sent in each round. */
  readonly total: number;
  /** Of a request. */
  readonly events: number;
  readonly rounds: number;
  readonly apis?: number;
}

export interface EndToEndRounds {
  /** Events a second. */
  readonly baseline: readonly number[];
  /** Events a second, from the first byte sent until the last event is queryable. */
  readonly subject: readonly number[];
  /** Where the CPU went in the last round. */
  readonly cpu: Table;
}

/** Has events go the whole way, and inserts as many straight into the same ClickHouse, in turns. */
export async function endToEndRounds(context: FigureContext, wishes: EndToEndWishes): Promise<EndToEndRounds> {
  const { total, events, rounds, apis = 1 } = wishes;
  const settings: Record<string, string> = events > 500 ? { MAX_BATCH_EVENTS: String(events) } : {};
  const load = await LoadProcess.start();
  try {
    return await RunningDeployment.during(context, { apis, settings }, async (deployment) => {
      const { apiUrls: urls, key, clickhouseUrl } = deployment;
      const order = { urls, key, connections: CONNECTIONS, events };
      let sent = 0;
      const send = async (requests: number) => {
        const { startedAt, acceptedEvents } = await load.run({ ...order, until: { requests } });
        sent += acceptedEvents;
        const seconds = ((await deployment.untilStored(sent)) - startedAt) / 1_000;
        return { events: acceptedEvents, rate: acceptedEvents / seconds };
      };
      await send(Math.ceil(total / events / 20));
      const baseline: number[] = [];
      const subject: number[] = [];
      let cpu: Table | undefined;
      const straight = async (): Promise<void> => {
        await untilMerged(clickhouseUrl);
        baseline.push(await insertStraight(clickhouseUrl, total));
      };
      await straight();
      for (let round = 0; round < rounds; round++) {
        await untilMerged(clickhouseUrl);
        const shares = new CpuShares([...deployment.processes, { name: 'load', pid: load.pid ?? 0 }]);
        const result = await deployment.profiled(() => send(Math.ceil(total / events)));
        subject.push(result.rate);
        cpu = shares.table(`CPU end to end, ${events} events a request`, result.events);
        await straight();
      }
      await deployment.requireStored(sent);
      if (cpu === undefined) throw new Error('There was no round.');
      return { baseline, subject, cpu };
    });
  } finally {
    load.stop();
  }
}
