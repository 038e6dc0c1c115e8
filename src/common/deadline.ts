/**
 * The promise's result, or the error made by `onTimeout` when there is none after `ms` milliseconds.
 * The work itself is not cancelled; its late result or failure is ignored.
 */
export async function withDeadline<T>(work: Promise<T>, ms: number, onTimeout: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let grace: NodeJS.Immediate | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      // A process that was busy runs its timers before it reads what has long arrived: an immediate comes after both.
      grace = setImmediate(() => {
        reject(onTimeout());
      });
    }, ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
    clearImmediate(grace);
  }
}
