/**
 * Does the one and the other in turns, each at first once without counting it: whatever else the machine does disturbs both
 * alike, and neither is cold.
 */
export async function alternate<B, S>(
  rounds: number,
  baseline: () => Promise<B>,
  subject: () => Promise<S>,
): Promise<{ readonly baseline: readonly B[]; readonly subject: readonly S[] }> {
  await baseline();
  await subject();
  const results = { baseline: [] as B[], subject: [] as S[] };
  for (let round = 0; round < rounds; round++) {
    results.baseline.push(await baseline());
    results.subject.push(await subject());
  }
  return results;
}
