import type { IContainer } from 'kubernetes-models/v1';
import { acceptedValueOf } from '../../src/config/load-configuration.js';
import { Configuration } from '../../src/config/configuration.js';
import { settingsOf } from '../../src/config/setting.decorators.js';
import type { Manifest } from './manifest.js';

/** The variables that a container starts with; those from a secret have a value that their setting accepts. */
export function environmentOf(
  { env = [], envFrom = [] }: IContainer,
  manifests: readonly Manifest[],
): Readonly<Record<string, string>> {
  const shared = envFrom.flatMap(({ configMapRef }) => Object.entries(dataOf(configMapRef?.name, manifests)));
  const own = env.map(({ name, value }) => [name, value ?? exampleOf(name)] as const);
  return Object.fromEntries([...shared, ...own]);
}

function dataOf(configMap: string | undefined, manifests: readonly Manifest[]): Readonly<Record<string, string>> {
  const found = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMap);
  if (found === undefined) throw new Error(`There is no ConfigMap ${String(configMap)}.`);
  return (found as unknown as { data: Record<string, string> }).data;
}

function exampleOf(name: string): string {
  const setting = settingsOf(Configuration).find(({ env }) => env === name);
  return setting === undefined ? '' : acceptedValueOf(setting);
}
