// npm start: from a fresh clone to a running service, with nothing set up but Node.
import { join } from 'node:path';

import { ensureBuild } from './ensure-build.mjs';
import { ensureNode } from './ensure-node.mjs';
import { ensurePackages } from './ensure-packages.mjs';
import { ensureRedis } from './ensure-redis.mjs';

ensureNode();
process.chdir(join(import.meta.dirname, '..'));
ensurePackages();
if (!process.env.REDIS_URL) ensureRedis();
ensureBuild();
await import('../dist/embedded/quickstart.js');
