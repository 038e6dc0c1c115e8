/**
 * How long each of some works usually takes, in milliseconds: the medians of `rounds` runs. They take turns, so that
 * whatever else the machine does slows all of them alike.
 */
export async function mediansMs(works: readonly (() => Promise<unknown>)[], rounds = 25): Promise<number[]> {
  const times = works.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, work] of works.entries()) {
      const began = performance.now();
      await work();
      times[i]!.push(performance.now() - began);
    }
  }
  return times.map((taken) => taken.sort((a, b) => a - b)[Math.floor(rounds / 2)]!);
}
