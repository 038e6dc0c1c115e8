import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DrizzleQueryError } from 'drizzle-orm';
import type { Configuration } from '../config/configuration.js';
import { loadConfiguration } from '../config/load-configuration.js';
import { requireControlPlane } from '../tenants/open-control-plane.js';
import { ControlPlaneUnavailableError } from '../tenants/control-plane-unavailable.error.js';
import { CliModule } from './cli.module.js';
import type { Terminal } from './terminal.js';

/**
 * Runs `work` with the services of `modules`, which need only the settings named, and closes them again.
 * @param options `mayCreate`: make an embedded control plane where there is none
 * @throws OperatorError when there is no control plane and none may be made
 */
export async function runInContext(
  terminal: Terminal,
  settings: readonly (keyof Configuration)[],
  modules: NonNullable<DynamicModule['imports']>,
  work: (context: INestApplicationContext) => Promise<void>,
  { mayCreate = false }: { mayCreate?: boolean } = {},
): Promise<void> {
  const configuration = loadConfiguration(terminal.env, settings);
  if (!mayCreate) requireControlPlane(configuration);
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
