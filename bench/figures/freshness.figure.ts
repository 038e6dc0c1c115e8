import { RunningDeployment } from '../deployment/running.deployment.js';
import type { Figure } from '../figure.js';
import { LoadProcess } from '../load/load.process.js';
import { CpuShares } from '../measure/cpu.shares.js';
import { FreshnessProbe, GIVE_UP_AFTER_MS } from '../measure/freshness.probe.js';
import { quantile } from '../measure/quantile.js';
import { steadyLoad } from './steady.load.js';

/** Until the rate of new parts and that of their merges are in balance. */
const WARM_UP_SECONDS = 10;
const SECONDS = 20;
/** One probe among so many events: ten a second. */
const PROBED_EVENTS = 2_000;

/** How long after its 202 an event can be queried, at 20,000 events a second in requests of this size. */
export function freshness(events: number, runs: Figure['runs']): Figure {
  return {
    name: `freshness-${events}`,
    runs,
    perTransport: true,
    async measure(context) {
      const seconds = context.full ? 6 * SECONDS : SECONDS;
      const load = await LoadProcess.start();
      try {
        return await RunningDeployment.during(context, {}, async (deployment) => {
          const { apiUrls: urls, key, clickhouseUrl } = deployment;
          const steady = { urls, key, events };
          const warmUp = await load.run(steadyLoad(steady, WARM_UP_SECONDS));
          const shares = new CpuShares([...deployment.processes, { name: 'load', pid: load.pid ?? 0 }]);
          const probe = new FreshnessProbe(clickhouseUrl);
          const order = { ...steadyLoad(steady, seconds), probeEvery: PROBED_EVENTS / events };
          const report = await deployment.profiled(() =>
            load.run(order, (accepted) => {
              probe.accepted(accepted);
            }),
          );
          const ages = await probe.end();
          const cpu = shares.table(`CPU at 20,000 events/s, ${events} a request`, report.acceptedEvents);
          await deployment.requireStored(warmUp.acceptedEvents + report.acceptedEvents);
          const sorted = [...ages].sort((a, b) => a - b);
          const what = `freshness at 20,000 events/s, ${events} a request`;
          const note = `an event that is not there after ${GIVE_UP_AFTER_MS / 1_000} s counts as one of ${GIVE_UP_AFTER_MS / 1_000} s.`;
          return {
            measurements: [
              { what: `${what}, p50`, value: quantile(sorted, 0.5), unit: 'ms', bar: { atMost: 300 }, note },
              { what: `${what}, p99`, value: quantile(sorted, 0.99), unit: 'ms', bar: { atMost: 1_000 } },
              { what: `accept at 20,000 events/s, ${events} a request, p99`, value: report.p99Ms, unit: 'ms' },
            ],
            tables: [cpu],
          };
        });
      } finally {
        load.stop();
      }
    },
  };
}
