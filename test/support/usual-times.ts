/**
 * How long each of some works usually takes, in milliseconds: the first quartile of `rounds` runs, since whatever else the
 * machine does only ever slows them. They take turns, in changing order, so that it slows all of them alike.
 */
export async function usualMs(works: readonly (() => Promise<unknown>)[], rounds = 25): Promise<number[]> {
  const times = works.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    const turns = [...works.entries()];
    for (const [i, work] of round % 2 === 0 ? turns : turns.reverse()) {
      const began = performance.now();
      await work();
      times[i]!.push(performance.now() - began);
    }
  }
  return times.map((taken) => taken.sort((a, b) => a - b)[Math.floor(rounds / 4)]!);
}
