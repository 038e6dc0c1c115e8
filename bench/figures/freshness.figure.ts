import { RunningDeployment } from '../deployment/running.deployment.js';
import type { Figure } from '../figure.js';
import { LoadProcess } from '../load/load.process.js';
import { CpuShares } from '../measure/cpu.shares.js';
import { probeFreshness } from '../measure/freshness.probe.js';
import { quantile } from '../measure/quantile.js';
import { steadyLoad } from './steady.load.js';

/** Until the rate of small parts and that of their merges are in balance. */
const WARM_UP_SECONDS = 10;
const SECONDS = 30;

/** How long after its 202 an event can be queried, at 20,000 events a second. */
export const freshness: Figure = {
  name: 'freshness',
  runs: 'default',
  perTransport: true,
  async measure(context) {
    const seconds = context.full ? 4 * SECONDS : SECONDS;
    const load = await LoadProcess.start();
    try {
      return await RunningDeployment.during(context, {}, async (deployment) => {
        const { apiUrls, key, clickhouseUrl } = deployment;
        const warmUp = await load.run(steadyLoad(WARM_UP_SECONDS, apiUrls, key));
        const shares = new CpuShares([...deployment.processes, { name: 'load', pid: load.pid ?? 0 }]);
        const [ages, report] = await deployment.profiled(() =>
          Promise.all([
            probeFreshness({ apiUrl: apiUrls[0] ?? '', key, clickhouseUrl }, seconds),
            load.run(steadyLoad(seconds, apiUrls, key)),
          ]),
        );
        const cpu = shares.table('CPU at 20,000 events/s, 20 a request', report.acceptedEvents);
        await deployment.requireStored(warmUp.acceptedEvents + report.acceptedEvents + ages.length);
        const sorted = [...ages].sort((a, b) => a - b);
        const what = 'freshness at 20,000 events/s';
        return {
          measurements: [
            { what: `${what}, p50`, value: quantile(sorted, 0.5), unit: 'ms', bar: { atMost: 300 } },
            { what: `${what}, p99`, value: quantile(sorted, 0.99), unit: 'ms', bar: { atMost: 1_000 } },
            { what: `accept at 20,000 events/s, p99`, value: report.p99Ms, unit: 'ms' },
          ],
          tables: [cpu],
        };
      });
    } finally {
      load.stop();
    }
  },
};
