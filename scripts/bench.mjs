// npm run bench: what the service can do on this machine, beside what the simplest means can.
// `npm run bench -- --help` lists the options.
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
if (!options.includes('spool')) {
  ensureRedis();
  ensurePostgres();
}
ensureBuild();

const { status } = spawnSync(process.execPath, ['bench/index.cjs', ...options], {
  stdio: 'inherit',
  env: markedEnvironment(),
});
const leftovers = await endLeftovers();
if (leftovers.length > 0) fail(`Processes were left behind:\n${leftovers.join('\n')}`);
process.exit(status ?? 1);
