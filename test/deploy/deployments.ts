import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const K8S = join(__dirname, '../../docker/k8s');
const foldersIn = (folder: string) => readdirSync(join(K8S, folder)).map((name) => `${folder}/${name}`);

// A component that changes what another one brought cannot be used without it.
const NEEDS: Readonly<Record<string, readonly string[]>> = { 'components/keda-pubsub': ['components/pubsub'] };

/** What an operator may apply: the base, each overlay, and the base with each component. */
export const DEPLOYMENTS: readonly {
  readonly name: string;
  readonly resource: string;
  readonly components: string[];
}[] = [
  ...['base', ...foldersIn('overlays')].map((name) => ({ name, resource: join(K8S, name), components: [] })),
  ...foldersIn('components').map((name) => ({
    name: `base with ${name}`,
    resource: join(K8S, 'base'),
    components: [...(NEEDS[name] ?? []), name].map((component) => join(K8S, component)),
  })),
];
