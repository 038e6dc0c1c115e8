import 'reflect-metadata';
import { type INestApplication, Logger } from '@nestjs/common';
import { createApplication } from './bootstrap.js';
import { errorCodeOf } from './common/error-code.js';
import { OperatorError } from './common/operator.error.js';
import { ServiceLogger } from './common/service.logger.js';
import type { Configuration } from './config/configuration.js';
import { loadConfiguration } from './config/load-configuration.js';
import { loadEnvFile } from './config/env-file.js';
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

function fail(error: unknown): never {
  const text = error instanceof OperatorError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text ?? 'unknown error'}\n`);
  process.exit(1);
}

main().catch(fail);
