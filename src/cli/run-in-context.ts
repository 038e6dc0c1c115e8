import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DrizzleQueryError } from 'drizzle-orm';
import type { Configuration } from '../config/configuration.js';
import { ConfigModule, loadConfiguration } from '../config/load-configuration.js';
import { ControlPlaneDatabase, ControlPlaneUnavailableError } from '../tenants/control-plane.database.js';
import { requireControlPlane } from '../tenants/open-control-plane.js';
import type { Terminal } from './terminal.js';

@Module({})
class CliModule {}

export interface ContextOptions {
  /** Make an embedded control plane where there is none. */
  readonly mayCreate?: boolean;
  /** Print which control plane was changed, since a wrong setting leads to another one. */
  readonly changes?: boolean;
}

/**
 * Runs `work` with the services of `modules`, which need only `settings`, and closes them again.
 * @throws OperatorError when there is no control plane and none may be made
 */
export async function runInContext(
  terminal: Terminal,
  settings: readonly (keyof Configuration)[],
  modules: NonNullable<DynamicModule['imports']>,
  work: (context: INestApplicationContext) => Promise<void>,
  { mayCreate = false, changes = false }: ContextOptions = {},
): Promise<void> {
  const configuration = loadConfiguration(terminal.env, settings);
  if (!mayCreate) requireControlPlane(configuration);
  const module = { module: CliModule, imports: [ConfigModule.forRoot(configuration), ...modules] };
  const context = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  try {
    await work(context);
    // On `err`: scripts read `out`.
    if (changes) terminal.err(`Control plane: ${context.get(ControlPlaneDatabase).place}.\n`);
  } catch (error) {
    // Its message is SQL with parameters.
    throw error instanceof DrizzleQueryError ? new ControlPlaneUnavailableError(error) : error;
  } finally {
    await context.close();
  }
}
