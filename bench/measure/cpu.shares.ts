import type { Table } from '../figure.js';
import { cpuSecondsOf } from './cpu.time.js';

/** A process whose CPU time is of interest. */
export interface Counted {
  readonly name: string;
  readonly pid: number;
}

/** Where the CPU goes, from its making to {@link table}. */
export class CpuShares {
  private readonly before: readonly number[];

  constructor(private readonly processes: readonly Counted[]) {
    this.before = processes.map(({ pid }) => cpuSecondsOf(pid));
  }

  /** @param events that went through meanwhile */
  table(title: string, events: number): Table {
    const used = this.processes.map(({ pid }, i) => cpuSecondsOf(pid) - (this.before[i] ?? NaN));
    const total = used.reduce((sum, seconds) => sum + seconds, 0);
    const row = (name: string, seconds: number): (string | number)[] => [
      name,
      seconds,
      (seconds * 1e6) / events,
      `${((seconds / total) * 100).toFixed(0)} %`,
    ];
    return {
      title,
      header: ['process', 'CPU seconds', 'µs an event', 'share'],
      rows: [...this.processes.map(({ name }, i) => row(name, used[i] ?? NaN)), row('all', total)],
    };
  }
}
