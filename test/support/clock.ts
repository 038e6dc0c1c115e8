/**
 * Runs `work` while the clock stands by which what is remembered runs out, `performance.now()`: what `work` waits for was told,
 * and did not come with time. Timers go on.
 */
export async function whileClockStands<T>(work: () => Promise<T>): Promise<T> {
  const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
  try {
    return await work();
  } finally {
    clock.mockRestore();
  }
}
