// npm start: from a fresh clone to a running service, with nothing set up but Node.
import { join } from 'node:path';

import { ensureBuild } from './ensure-build.mjs';
import { ensureNode } from './ensure-node.mjs';
import { ensurePackages } from './ensure-packages.mjs';
import { ensureQueue } from './ensure-queue.mjs';

ensureNode();
process.chdir(join(import.meta.dirname, '..'));
ensurePackages();
ensureBuild();
// TRANSPORT and REDIS_URL may be in the file.
const { loadEnvFile } = await import('../dist/config/load-configuration.js');
loadEnvFile();
ensureQueue();
await import('../dist/embedded/quickstart.js');
