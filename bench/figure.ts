import type { TransportName } from './options.js';

/** One figure of the benchmark: it starts what it needs, measures, and leaves nothing behind. */
export interface Figure {
  /** What `--only` names it by. */
  readonly name: string;
  /** `default`: part of every run. `full`: of runs with `--full`, and when it is named. `named`: only when it is named. */
  readonly runs: 'default' | 'full' | 'named';
  /** Whether it is measured for each transport or once. */
  readonly perTransport: boolean;
  measure(context: FigureContext): Promise<FigureResult>;
}

export interface FigureContext {
  /** The first one that was asked for, for a figure that does not depend on it. */
  readonly transport: TransportName;
  /** Measure for as long, and on as much, as is asked for, not as suits an everyday run. */
  readonly full: boolean;
  /** A folder that goes away after the figure. */
  readonly folder: string;
  /** Where to leave CPU profiles of the processes of the service; undefined: they are not profiled. */
  readonly profileFolder: string | undefined;
  /** Tells whoever waits what is going on. */
  readonly say: (text: string) => void;
}

export interface FigureResult {
  readonly measurements: readonly Measurement[];
  /** What a measurement consists of, for those who want to know. */
  readonly tables?: readonly Table[];
}

/** A line of the benchmark's table. */
export interface Measurement {
  readonly what: string;
  readonly value: number;
  readonly unit: Unit;
  /** The same by the simplest means there are, measured in turns with it. */
  readonly baseline?: number;
  readonly bar?: Bar;
  /** What a reader has to know to read the number right. */
  readonly note?: string;
}

export type Unit = 'events/s' | 'requests/s' | 'ms' | 's' | 'MB' | '×';

export type Bar =
  /** `value / baseline` must be at least, or at most, so much. */
  | { readonly ratioAtLeast: number }
  | { readonly ratioAtMost: number }
  /** Neither may be more than so many times the other. */
  | { readonly ratioWithin: number }
  /** `value` must be at most so much. */
  | { readonly atMost: number };

export interface Table {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}
