// npm run test:crash: events are sent while every process is killed and paused; then each must be stored once.
// `npm run test:crash -- --help` lists the options.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { ensureBuild } from './ensure-build.mjs';
import { ensureNode } from './ensure-node.mjs';
import { ensurePackages } from './ensure-packages.mjs';
import { ensurePostgres } from './ensure-postgres.mjs';
import { ensureRedis } from './ensure-redis.mjs';
import { endLeftovers, markedEnvironment } from './leftovers.mjs';
import { fail } from './step.mjs';

const options = process.argv.slice(2);

ensureNode();
process.chdir(join(import.meta.dirname, '..'));
ensurePackages();
if (!options.includes('spool')) ensureRedis();
if (options.includes('--apis')) ensurePostgres();
ensureBuild();

const { status } = spawnSync(process.execPath, ['test/crash/index.cjs', ...options], {
  stdio: 'inherit',
  env: markedEnvironment(),
});
const leftovers = await endLeftovers();
if (leftovers.length > 0) fail(`Processes were left behind:\n${leftovers.join('\n')}`);
process.exit(status ?? 1);
