// npm test: format, lint, types, build and every spec, on real servers. `npm test -- track` runs only the specs that match; what
// follows the dashes goes to jest.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { isBuilt } from './ensure-build.mjs';
import { ensureKubectl } from './ensure-kubectl.mjs';
import { ensureNode } from './ensure-node.mjs';
import { ensurePackages } from './ensure-packages.mjs';
import { ensurePostgres } from './ensure-postgres.mjs';
import { ensureRedis } from './ensure-redis.mjs';
import { endLeftovers, markedEnvironment } from './leftovers.mjs';
import { fail } from './step.mjs';

const CACHE = 'node_modules/.cache/segops';
const CHECKS = {
  format: ['prettier', '--check', '--cache', '--cache-location', `${CACHE}/prettier`, '.'],
  lint: ['eslint', '--cache', '--cache-strategy', 'content', '--cache-location', `${CACHE}/eslint`, '.'],
  types: ['tsc', '-p', 'test/tsconfig.json'],
};
const jestArgs = process.argv.slice(2);

ensureNode();
process.chdir(join(import.meta.dirname, '..'));
ensurePackages();
ensureRedis();
ensurePostgres();
await ensureKubectl();

const env = markedEnvironment();
const projects = ['specs', 'faults'].filter((project) => jestArgs.length === 0 || hasTests(project));
if (projects.length === 0) fail(`npm test: no spec matches ${jestArgs.join(' ')}.`);
const failed = (await Promise.all(projects.includes('specs') ? [specs(), built()] : [built()])).flat();
const leftovers = await endLeftovers();
if (leftovers.length > 0) fail(`Processes were left behind:\n${leftovers.join('\n')}`);
if (failed.length > 0) fail(`npm test: ${failed.join(', ')} failed.`);
console.log('npm test: all passed.');

/** What needs no build, with jest's report as it goes. @returns the names of what failed */
function specs() {
  return run('specs', jest('specs'), 'inherit');
}

/** The build and what needs it, then what reads the sources only: there are two cores. @returns the names of what failed */
async function built() {
  const failed = [];
  if (projects.includes('faults')) {
    if (!isBuilt()) failed.push(...(await run('build', ['nest', 'build'])));
    if (failed.length === 0) failed.push(...(await run('faults', jest('faults'), 'pipe')));
  }
  if (jestArgs.length > 0) return failed;
  for (const [name, command] of Object.entries(CHECKS)) failed.push(...(await run(name, command)));
  return failed;
}

function jest(project) {
  // Last, as it would take the paths that follow for projects.
  return ['jest', ...jestArgs, '--selectProjects', project];
}

function hasTests(project) {
  const { stdout } = spawnSync('node_modules/.bin/jest', [...jest(project).slice(1), '--listTests'], {
    encoding: 'utf8',
  });
  return stdout.includes('spec.ts');
}

/** @returns [name] when it failed, else nothing. Its output is printed as it comes ('inherit'), at its end, or when it failed. */
function run(name, [program, ...args], output = 'ifFailed') {
  const startedAt = Date.now();
  const stdio = output === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'];
  return new Promise((resolve) => {
    const child = spawn(`node_modules/.bin/${program}`, args, { stdio, env });
    const chunks = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => chunks.push(chunk));
    child.on('close', (code) => {
      if (code !== 0 || output === 'pipe') process.stdout.write(Buffer.concat(chunks));
      console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
      resolve(code === 0 ? [] : [name]);
    });
  });
}
