import type { BenchReport, FigureReport } from './bench.report.js';
import { markdownTable } from './markdown.table.js';
import { verdictOn } from './verdict.js';

const HEADER = ['figure', 'transport', 'measured', 'unit', 'baseline', 'ratio', 'bar', 'met'];

/** What belongs to one figure besides its lines of the table. */
export function describeTables({ tables, transport }: FigureReport): string {
  const of = transport === undefined ? '' : ` (${transport})`;
  return tables.map(({ title, header, rows }) => `\n${title}${of}\n\n${markdownTable(header, rows)}\n`).join('');
}

/** The table of the whole run, what has to be known to read it, and what is missed. */
export function describeReport({ figures, machine, seconds, startedAt }: BenchReport): string {
  const notes = new Set<string>();
  const rows = figures.flatMap(({ measurements, transport }) =>
    measurements.map((measurement) => {
      const { what, value, unit, baseline, note } = measurement;
      const { ratio, bar, isMet } = verdictOn(measurement);
      if (note !== undefined) notes.add(`${what}: ${note}`);
      const met = isMet === undefined ? '' : isMet ? 'yes' : 'NO';
      return [what, transport ?? '', value, unit, baseline ?? '', ratio === undefined ? '' : ratio, bar, met];
    }),
  );
  const failures = figures.flatMap(({ figure, transport = 'all', failure }) =>
    failure === undefined ? [] : [`VOID: ${figure} (${transport}): ${failure}`],
  );
  return [
    `\nMeasured ${startedAt} on ${machine.cpus} × ${machine.cpu}, ${machine.memoryGb} GB, Node ${machine.node}, in ${Math.round(seconds)} s\n`,
    markdownTable(HEADER, rows),
    ...(notes.size === 0 ? [] : ['', ...notes]),
    ...(failures.length === 0 ? [] : ['', ...failures]),
    '',
    missedBars(figures) === 0 ? 'Every bar that was measured is met.' : `Bars missed: ${missedBars(figures)}.`,
  ].join('\n');
}

/** How many bars are missed; a figure that is void misses one. */
export function missedBars(figures: readonly FigureReport[]): number {
  return figures.reduce(
    (sum, { measurements, failure }) =>
      sum +
      (failure === undefined ? 0 : 1) +
      measurements.filter((measurement) => verdictOn(measurement).isMet === false).length,
    0,
  );
}
