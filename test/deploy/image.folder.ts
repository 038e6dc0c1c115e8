import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dockerfileStages } from './dockerfile.stages.js';

const ROOT = join(__dirname, '../..');

/** The files that the image has, in a folder. */
export interface ImageFolder {
  /** What `WORKDIR` is in the image. */
  readonly app: string;
  /** The variables that the image sets. */
  readonly environment: Readonly<Record<string, string>>;
  remove(): void;
}

/**
 * Lays the files out as the last stage of docker/Dockerfile does, by its COPY lines: what it takes from the build is this build,
 * and npm itself takes out what is not for production. Readable by everybody.
 */
export function layOutImage(): ImageFolder {
  const folder = mkdtempSync(join(tmpdir(), 'segops-image-'));
  chmodSync(folder, 0o755);
  const app = join(folder, 'app');
  mkdirSync(app);
  const { steps } = dockerfileStages().at(-1)!;
  for (const { words } of steps.filter(({ keyword }) => keyword === 'COPY')) {
    for (const source of words.slice(0, -1)) copy(join(ROOT, source.replace(/^\/app\//, '')), app);
  }
  leaveDependencies(app);
  const environment = steps.filter(({ keyword }) => keyword === 'ENV').map(({ text }) => text.split('=', 2));
  return {
    app,
    environment: Object.fromEntries(environment) as Record<string, string>,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As links where the disk is the same: nothing writes into the files, and npm replaces them. */
function copy(source: string, into: string): void {
  const { status } = spawnSync('cp', ['-al', source, into]);
  if (status !== 0) cpSync(source, join(into, source.slice(source.lastIndexOf('/'))), { recursive: true });
}

/** What the stage of the dependencies runs, with the packages that are here already in place of the registry's. */
function leaveDependencies(app: string): void {
  const { steps } = dockerfileStages().find(({ name }) => name === 'dependencies')!;
  const command = steps.find(({ keyword }) => keyword === 'RUN')!.text;
  // npm would write its record in place, and so into the one that this is a link to. What tests keep in the cache is no package.
  for (const name of ['.package-lock.json', '.cache'])
    rmSync(join(app, 'node_modules', name), { recursive: true, force: true });
  cpSync(join(ROOT, 'package-lock.json'), join(app, 'package-lock.json'));
  execFileSync('sh', ['-c', command.replace('npm install', 'npm prune --offline --ignore-scripts')], {
    cwd: app,
    stdio: 'pipe',
  });
  rmSync(join(app, 'package-lock.json'));
}
