import * as fc from 'fast-check';

/** Every run tries the same cases. To look for others: `FUZZ_SEED=7 FUZZ_TIMES=20 npx jest test/fuzz`. */
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_124);
const times = Number(process.env['FUZZ_TIMES'] ?? 1);

/** Tries a property on `runs` cases; fails with the smallest case that breaks it, and with the seed that finds it again. */
export async function holds<Case>(
  cases: fc.Arbitrary<Case>,
  runs: number,
  property: (value: Case) => void | Promise<void>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(cases, async (value) => property(value)),
    { seed, numRuns: runs * times },
  );
}

/** `count` cases of the same seed, for a test that looks at all of them together. */
export function samplesOf<Case>(cases: fc.Arbitrary<Case>, count: number): Case[] {
  return fc.sample(cases, { seed, numRuns: count * times });
}
