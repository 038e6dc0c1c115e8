import { existsSync } from 'node:fs';
import process from 'node:process';
import { type DynamicModule, Module } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { OperatorError } from '../common/operator.error.js';
import { Configuration } from './configuration.js';
import { type SettingDefinition, settingsOf } from './setting.decorators.js';

/** The environment does not make a configuration. Its message is for operators, and holds no value of any setting. */
export class ConfigurationError extends OperatorError {
  override readonly name = 'ConfigurationError';

  constructor(readonly problems: readonly string[]) {
    super(['These settings have to be put right:', ...problems.map((problem) => `- ${problem}`)].join('\n'));
  }
}

/** Makes the configuration injectable everywhere, under its class. */
@Module({})
export class ConfigModule {
  static forRoot(configuration: Configuration): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [{ provide: Configuration, useValue: configuration }],
      exports: [Configuration],
    };
  }
}

/** Adds the variables of a `.env` file to the environment, when there is one. What is set already stays as it is. */
export function loadEnvFile(path = '.env'): void {
  if (existsSync(path)) {
    process.loadEnvFile(path);
  }
}

/**
 * The configuration that an environment describes. A variable that is empty or blank counts as not set.
 * @param needed the settings that have to be right, for a command that uses only some; all unless given
 * @throws ConfigurationError that lists every wrong or missing setting
 */
export function loadConfiguration(
  env: Readonly<Record<string, string | undefined>> = process.env,
  needed?: readonly (keyof Configuration)[],
): Configuration {
  const values = settingsOf(Configuration).map(({ property, env: name }) => [property, env[name]?.trim()] as const);
  const configuration = plainToInstance(
    Configuration,
    Object.fromEntries(values.filter(([, value]) => value !== undefined && value !== '')),
  );
  const errors = validateSync(configuration, { skipUndefinedProperties: true }).filter(
    ({ property }) => needed?.some((name) => name === property) ?? true,
  );
  if (errors.length > 0) {
    throw new ConfigurationError(errors.map(describeProblem));
  }
  return configuration;
}

function describeProblem({ property, value, constraints }: ValidationError): string {
  const setting = settingsOf(Configuration).find((candidate) => candidate.property === property);
  if (setting === undefined) {
    throw new TypeError(`Configuration.${property} has checks but no @Setting()`);
  }
  const expected = Object.values(constraints ?? {}).join(' and ');
  const problem = value === '' ? 'is not set; it ' : '';
  return `${setting.env} ${problem}${expected}. Example: ${setting.env}=${acceptedValueOf(setting)}`;
}

const defaults = new Configuration();

/** A value that the setting accepts, as text: its example, else its default. */
export function acceptedValueOf({ example, property }: SettingDefinition): string {
  return example ?? String(defaults[property]);
}
