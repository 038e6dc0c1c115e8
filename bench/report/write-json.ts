import { writeFileSync } from 'node:fs';
import type { BenchReport } from './bench.report.js';
import { verdictOn } from './verdict.js';

/** Writes what was measured, with ratios and verdicts, for programs. */
export function writeJson(file: string, report: BenchReport): void {
  const figures = report.figures.map((figure) => ({
    ...figure,
    measurements: figure.measurements.map((measurement) => ({ ...measurement, ...verdictOn(measurement) })),
  }));
  writeFileSync(file, `${JSON.stringify({ ...report, figures }, null, 2)}\n`);
}
