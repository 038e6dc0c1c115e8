import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { createApplication } from './bootstrap.js';
import { ServiceLogger } from './common/service.logger.js';
import { ConfigurationError } from './config/configuration.error.js';
import type { Configuration } from './config/configuration.js';
import { loadConfiguration } from './config/load-configuration.js';
import { loadEnvFile } from './config/env-file.js';
import { startWorker } from './processing/worker.start.js';

async function main(): Promise<void> {
  loadEnvFile();
  const configuration = loadConfiguration();
  const app = await createApplication(configuration, new ServiceLogger(configuration.logLevel));
  const stopping = new AbortController();
  stopOnSignals(configuration, async () => {
    stopping.abort();
    await app.close();
  });
  await app.listen(configuration.port, configuration.host);
  new Logger('Service').log(`Listening on port ${configuration.port} as ${configuration.role}.`);
  if (configuration.role !== 'api') {
    await startWorker(app, stopping.signal);
  }
}

/** Ends in good order on the first signal, and after `SHUTDOWN_TIMEOUT_MS` or on a second signal in any case. */
function stopOnSignals({ shutdownTimeoutMs }: Configuration, stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(1);
    stopping = true;
    const logger = new Logger('Service');
    logger.log(`Stopping on ${signal}.`);
    setTimeout(() => {
      logger.error(`Not stopped within ${shutdownTimeoutMs} ms; what was in hand will be delivered again.`);
      process.exit(1);
    }, shutdownTimeoutMs).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        fail(error);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/** What an operator can mend is said without a stack. */
function fail(error: unknown): never {
  const isPlain = error instanceof ConfigurationError || !(error instanceof Error);
  process.stderr.write(`${isPlain ? messageOf(error) : (error.stack ?? error.message)}\n`);
  process.exit(1);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

main().catch(fail);
