/** How the global setup hands the servers to the global teardown; both run in Jest's main process. */
export const sharedServers: { current?: { folder: string; servers: readonly { stop(): Promise<unknown> }[] } } = {};
