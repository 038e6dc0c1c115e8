import type { Measurement, Table } from '../figure.js';

/** What one figure came to. */
export interface FigureReport {
  readonly figure: string;
  /** Undefined when it does not depend on one. */
  readonly transport: string | undefined;
  readonly measurements: readonly Measurement[];
  readonly tables: readonly Table[];
  /** Why it was not measured, or is void. */
  readonly failure: string | undefined;
}

/** Everything that was measured in one run. */
export interface BenchReport {
  readonly startedAt: string;
  readonly seconds: number;
  readonly machine: { readonly cpus: number; readonly cpu: string; readonly memoryGb: number; readonly node: string };
  readonly full: boolean;
  readonly figures: readonly FigureReport[];
}
