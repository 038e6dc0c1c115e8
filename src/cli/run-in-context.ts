import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DrizzleQueryError } from 'drizzle-orm';
import type { Configuration } from '../config/configuration.js';
import { loadConfiguration } from '../config/load-configuration.js';
import { ControlPlaneUnavailableError } from '../tenants/control-plane-unavailable.error.js';
import { CliModule } from './cli.module.js';
import type { Terminal } from './terminal.js';

/** Runs `work` with the services of `modules`, which need only the settings named, and closes them again. */
export async function runInContext(
  terminal: Terminal,
  settings: readonly (keyof Configuration)[],
  modules: NonNullable<DynamicModule['imports']>,
  work: (context: INestApplicationContext) => Promise<void>,
): Promise<void> {
  const configuration = loadConfiguration(terminal.env, settings);
  const context = await NestFactory.createApplicationContext(CliModule.forRoot(configuration, modules), {
    logger: false,
    abortOnError: false,
  });
  try {
    await work(context);
  } catch (error) {
    // Its message is SQL with parameters.
    throw error instanceof DrizzleQueryError ? new ControlPlaneUnavailableError(error) : error;
  } finally {
    await context.close();
  }
}
