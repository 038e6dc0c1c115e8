import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { acceptedValueOf } from './accepted-value.js';
import { ConfigurationError } from './configuration.error.js';
import { Configuration } from './configuration.js';
import { settingsOf } from './setting.decorator.js';

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
  const errors = validateSync(configuration).filter(
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
