import { RunningDeployment } from '../deployment/running.deployment.js';
import type { Figure } from '../figure.js';
import type { LoadReport } from '../load/load.order.js';
import { LoadProcess } from '../load/load.process.js';
import { alternate } from '../measure/alternate.js';
import { median } from '../measure/median.js';

const CONNECTIONS = 64;
const ROUND_SECONDS = 2;
const ROUNDS = 7;

/**
 * What it costs to recognise the retries of clients that send nothing to recognise them by: single events without an
 * `event_id`, beside the same ones with one, of which nothing is remembered. Those cost a digest that the others do not.
 */
export const costOfRetries: Figure = {
  name: 'cost-of-retries',
  runs: 'full',
  perTransport: true,
  async measure(context) {
    const load = await LoadProcess.start();
    try {
      return await RunningDeployment.during(context, { warehouse: 'later' }, async (deployment) => {
        let accepted = 0;
        const send = async (withEventIds: boolean): Promise<LoadReport> => {
          const report = await load.run({
            urls: deployment.apiUrls,
            key: deployment.key,
            connections: CONNECTIONS,
            events: 'single',
            until: { seconds: ROUND_SECONDS },
            withEventIds,
          });
          accepted += report.acceptedEvents;
          return report;
        };
        const { baseline, subject } = await alternate(
          ROUNDS,
          () => send(true),
          () => send(false),
        );
        await deployment.startWarehouse();
        await deployment.requireStored(accepted);
        const rate = (reports: readonly LoadReport[]): number =>
          median(reports.map((report) => report.accepted / report.seconds));
        return {
          measurements: [
            {
              what: 'single accept without event_id, beside with one',
              value: rate(subject),
              unit: 'requests/s',
              baseline: rate(baseline),
            },
          ],
        };
      });
    } finally {
      load.stop();
    }
  },
};
