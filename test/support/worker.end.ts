/** What Jest's parent process sends a worker as its last message: the code in jest-worker's `CHILD_MESSAGE_END`. */
const END = 2;

const works: (() => Promise<void>)[] = [];

/** Has `work` done when no spec is left for this worker; or for this process, when it runs the specs itself. */
export function atEndOfWorker(work: () => Promise<void>): void {
  if (works.push(work) > 1 || process.send === undefined) return;
  process.on('message', function listener(message) {
    if (!Array.isArray(message) || message[0] !== END) return;
    // A listener would keep the process alive.
    process.off('message', listener);
    void endWorker();
  });
}

/** For the global teardown, in a process that runs specs itself. */
export async function endWorker(): Promise<void> {
  await Promise.all(works.splice(0).map((work) => work()));
}
