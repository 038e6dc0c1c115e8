import { type INestApplication, Logger } from '@nestjs/common';
import { describeError } from '../common/operator.error.js';
import type { Configuration } from '../config/configuration.js';
import { Shutdown } from './shutdown.js';

/**
 * Ends the process on SIGTERM or SIGINT: with exit code 0 when the shutdown is done, and with 1 when it failed or took longer
 * than `SHUTDOWN_TIMEOUT_MS`. Further SIGTERMs change nothing, since whoever supervises processes may repeat them; a second
 * SIGINT is somebody at a terminal who does not want to wait.
 */
export function endOnSignals(app: INestApplication, { shutdownTimeoutMs }: Configuration): void {
  const logger = new Logger('Service');
  const shutdown = app.get(Shutdown);
  let isEnding = false;

  const end = async (): Promise<number> => {
    try {
      await app.close();
      logger.log('Stopped.');
      return 0;
    } catch (error) {
      logger.error({ message: 'The shutdown failed', error: describeError(error) });
      return 1;
    }
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isEnding) {
      if (signal === 'SIGTERM') return;
      logger.warn(`Ending at once on a second signal, while ${shutdown.doing}.`);
      process.exit(1);
    }
    isEnding = true;
    logger.log(`Stopping on ${signal}.`);
    setTimeout(() => {
      logger.error(
        `Not stopped within ${shutdownTimeoutMs} ms, while ${shutdown.doing}. Batches in hand will be delivered again.`,
      );
      process.exit(1);
    }, shutdownTimeoutMs).unref();
    void end().then((exitCode) => process.exit(exitCode));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
