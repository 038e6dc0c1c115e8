import type { EmbeddedServer } from '../src/embedded/embedded.server.js';

/** How the global setup hands the servers to the global teardown; both run in Jest's main process. */
export const sharedServers: { current?: { folder: string; servers: readonly EmbeddedServer[] } } = {};
