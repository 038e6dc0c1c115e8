import 'reflect-metadata';
import { type INestApplication, Logger } from '@nestjs/common';
import { pino } from 'pino';
import { createApplication } from './bootstrap.js';
import { describeError, errorCodeOf, OperatorError } from './common/operator.error.js';
import { ServiceLogger } from './common/service.logger.js';
import type { Configuration } from './config/configuration.js';
import { loadConfiguration, loadEnvFile } from './config/load-configuration.js';
import { startWorker } from './processing/worker.start.js';
import { endOnSignals } from './shutdown/end-on-signals.js';
import { Shutdown } from './shutdown/shutdown.js';

async function main(): Promise<void> {
  loadEnvFile();
  const configuration = loadConfiguration();
  const app = await createApplication(configuration, new ServiceLogger(configuration.logLevel));
  endOnSignals(app, configuration);
  await listen(app, configuration);
  new Logger('Service').log(`Listening on port ${configuration.port} as ${configuration.role}.`);
  if (configuration.role !== 'api') {
    await startWorker(app, app.get(Shutdown).begun);
  }
}

/** @throws OperatorError when the address cannot be had */
async function listen(app: INestApplication, { host, port }: Configuration): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === undefined) throw error;
    throw new OperatorError(
      `The service cannot listen on port ${port} (${code}). Set PORT and HOST to a free address.`,
    );
  }
}

/** One line, as all of the log, on standard error: it is written whatever LOG_LEVEL says. */
function fail(error: unknown): never {
  const logger = new ServiceLogger('fatal', pino.destination({ dest: 2, sync: true }));
  const message =
    error instanceof OperatorError
      ? error.message
      : { message: 'The process ends, as an error was not handled.', error: describeError(error) };
  logger.fatal(message, 'Service');
  process.exit(1);
}

process.on('uncaughtException', fail);
main().catch(fail);
