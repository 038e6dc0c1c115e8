import type { CrashReport, RoundReport } from './crash.report.js';
import { faultsOf } from './faults.js';

const number = (value: number): string => value.toLocaleString('en-US');
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

export const ROUND_HEADER = roundLine('done', 'away', '202', '503', 'connection', 'timeout', 'longest without 202');

/** One line about a round, below {@link ROUND_HEADER}. */
export function describeRound({ round, longestGapMs, ...counts }: RoundReport): string {
  return roundLine(
    `${round.what} ${round.parts.join('+')}`,
    seconds(round.forMs),
    number(counts.accepted),
    number(counts.unavailable),
    number(counts.connectionErrors),
    number(counts.timeouts),
    seconds(longestGapMs),
  );
}

/** The table at the end, and what is wrong. */
export function describeReport(report: CrashReport): string {
  const { verdict, counts, longestUnavailabilityMs } = report;
  const rows: [string, string][] = [
    ['sent', number(verdict.sent)],
    ['acknowledged', number(verdict.acknowledged)],
    ['given up', number(verdict.givenUp)],
    ['stored', number(verdict.stored)],
    ['  by their numbers', number(counts.numbers)],
    ['  by the ids of their rows', number(counts.ids)],
    ['  by /stats/', number(counts.stats)],
    ['  of these unacknowledged', number(verdict.storedUnacknowledged)],
    ['lost', number(verdict.lost)],
    ['duplicated', number(verdict.duplicatedSentOnce + verdict.duplicatedSentAgain)],
    ['  of requests sent once', number(verdict.duplicatedSentOnce)],
    ['  of requests sent again', number(verdict.duplicatedSentAgain)],
    ['longest unavailability', seconds(longestUnavailabilityMs)],
  ];
  const table = rows.map(([name, value]) => `${name.padEnd(28)}${value.padStart(12)}`);
  const faults = faultsOf(report);
  const end =
    faults.length === 0 ? ['Nothing was lost, nothing was stored twice.'] : faults.map((fault) => `FAILED: ${fault}`);
  return ['', ...table, '', ...end].join('\n');
}

function roundLine(what: string, ...columns: readonly string[]): string {
  const widths = [8, 9, 7, 12, 9, 21];
  return what.padEnd(34) + columns.map((column, i) => column.padStart(widths[i] ?? 0)).join('');
}
