import { rm } from 'node:fs/promises';

import { sharedServers } from './shared-servers.js';
import { endSharedWorks } from './support/worker.end.js';

/** Stops what `global-setup.ts` started and removes its data. */
export default async function globalTeardown(): Promise<void> {
  await endSharedWorks();
  if (sharedServers.current === undefined) return;
  const { folder, servers } = sharedServers.current;
  await Promise.all(servers.map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
}
