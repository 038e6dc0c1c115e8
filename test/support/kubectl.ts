import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

// Where scripts/ensure-kubectl.mjs puts it.
const FETCHED = join(__dirname, '../../node_modules/.cache/segops/kubectl-1.35');

/** A kubectl that renders kustomize's components: the one that `npm test` fetches, or one on the PATH; undefined where there is none. */
export const KUBECTL = [FETCHED, 'kubectl'].find(isNewEnough);

function isNewEnough(program: string): boolean {
  if (program === FETCHED) return existsSync(FETCHED);
  const { error, stdout } = spawnSync(program, ['version', '--client'], { encoding: 'utf8' });
  return error === undefined && /^Kustomize Version: v([5-9]|\d\d)\./m.test(stdout);
}
