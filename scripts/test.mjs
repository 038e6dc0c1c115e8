// npm test: format, lint, types, build and every spec, on real servers. `npm test -- track` builds and runs only the specs
// that match; what follows the dashes goes to jest.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { ensureKubectl } from './ensure-kubectl.mjs';
import { ensureNode } from './ensure-node.mjs';
import { ensurePackages } from './ensure-packages.mjs';
import { ensurePostgres } from './ensure-postgres.mjs';
import { ensureRedis } from './ensure-redis.mjs';
import { endLeftovers, markedEnvironment } from './leftovers.mjs';
import { fail } from './step.mjs';

const jestArgs = process.argv.slice(2);
const CHECKS = [
  ['format', ['prettier', '--check', '.']],
  ['lint', ['eslint', '.']],
  ['types', ['tsc', '-p', 'test/tsconfig.json']],
];
const BUILD = ['build', ['nest', 'build']];
const TESTS = ['tests', ['jest', ...jestArgs]];

ensureNode();
process.chdir(join(import.meta.dirname, '..'));
ensurePackages();
ensureRedis();
ensurePostgres();
await ensureKubectl();

const env = markedEnvironment();
const failed = [...(jestArgs.length > 0 ? [] : CHECKS), BUILD, TESTS].find((step) => !passes(...step));
const leftovers = await endLeftovers();
if (leftovers.length > 0) fail(`Processes were left behind:\n${leftovers.join('\n')}`);
if (failed) fail(`npm test: ${failed[0]} failed.`);
console.log('npm test: all passed.');

function passes(name, command) {
  const startedAt = Date.now();
  // Jest reports as it goes; of the others only a failure is worth reading.
  const stdio = command[0] === 'jest' ? 'inherit' : ['ignore', 'pipe', 'pipe'];
  const { status, stdout, stderr } = spawnSync(`node_modules/.bin/${command[0]}`, command.slice(1), {
    stdio,
    env,
    encoding: 'utf8',
  });
  if (status !== 0) process.stdout.write(`${stdout ?? ''}${stderr ?? ''}`);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
  return status === 0;
}
