import type { CrashReport } from './crash.report.js';

/** Why the test has failed, in a line each; none when it has passed. */
export function faultsOf({ verdict, counts, problems }: CrashReport): string[] {
  const faults: [number, string][] = [
    [verdict.lost, 'acknowledged events are not stored'],
    [verdict.duplicatedSentOnce, 'events are counted more than once, though their request was sent once'],
    [verdict.duplicatedSentAgain, 'events are counted more than once, whose request was sent again'],
    [verdict.altered, 'events are not stored as they were sent'],
    [verdict.refused, 'events were refused'],
  ];
  const wrong = faults
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count.toLocaleString('en-US')} ${what}`);
  const { numbers, ids, stats } = counts;
  if (ids !== numbers || stats !== numbers) {
    wrong.push(`${numbers} events are ${ids} by the ids of their rows, and ${stats} by /stats/`);
  }
  return verdict.acknowledged === 0 ? ['nothing was acknowledged', ...wrong, ...problems] : [...wrong, ...problems];
}
