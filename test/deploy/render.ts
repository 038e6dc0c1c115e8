import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { dump, loadAll } from 'js-yaml';
import { KUBECTL } from '../support/kubectl.js';
import type { DEPLOYMENTS } from './deployments.js';
import type { Manifest } from './manifest.js';

/** The documents that `kubectl apply -k` would send, rendered by kubectl itself. */
export function render({ resource, components }: (typeof DEPLOYMENTS)[number]): Manifest[] {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'segops-kustomize-')));
  const from = (path: string): string => relative(folder, realpathSync(path));
  try {
    const kustomization = { resources: [from(resource)], components: components.map(from) };
    writeFileSync(join(folder, 'kustomization.yaml'), dump(kustomization));
    return loadAll(execFileSync(KUBECTL!, ['kustomize', folder], { encoding: 'utf8' })) as Manifest[];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
