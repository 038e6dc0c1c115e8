/** What Jest sends a worker as its last message: `CHILD_MESSAGE_END` of jest-worker. */
const END = 2;

const works: (() => Promise<void>)[] = [];

/**
 * For what the specs of a worker share until there is none left. A worker just ends then, as Jest waits half a second for it;
 * a process that runs specs itself has `work` done.
 */
export function atEndOfWorker(work: () => Promise<void>): void {
  works.push(work);
  if (works.length > 1) return;
  process.on('message', (message) => {
    if (Array.isArray(message) && message[0] === END) process.exit();
  });
}

/** For the global teardown, in a process that runs specs itself. */
export async function endSharedWorks(): Promise<void> {
  await Promise.all(works.splice(0).map((work) => work()));
}
