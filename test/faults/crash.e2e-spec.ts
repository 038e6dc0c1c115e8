import { faultsOf } from '../crash/faults.js';
import { describeReport } from '../crash/print.js';
import { shortRounds } from '../crash/rounds.js';
import { runCrashTest } from '../crash/run-crash-test.js';
import { freshControlPlane } from '../support/control-plane.js';
import { sharedPubSubHost } from '../support/pubsub.js';

/** Pub/Sub where its emulator is installed; the specs of `pubsub/` say so where it is not. */
const TRANSPORTS = ['bullmq', 'spool', ...(sharedPubSubHost === undefined ? [] : (['pubsub'] as const))] as const;

/** The quick version of `npm run test:crash`, on servers of its own. */
describe('when every process is killed and paused in the middle of a load', () => {
  it.each(TRANSPORTS)(
    'should lose no event that %s acknowledged, and store none twice',
    async (transport) => {
      const controlPlane = await freshControlPlane();
      const report = await runCrashTest({
        transport,
        settings: controlPlane.environment,
        apis: 1,
        eventsPerSecond: 1_500,
        rounds: shortRounds,
      });
      expect({ faults: faultsOf(report), report: describeReport(report) }).toEqual({
        faults: [],
        report: expect.any(String),
      });
      await controlPlane.drop();
    },
    300_000,
  );
});
