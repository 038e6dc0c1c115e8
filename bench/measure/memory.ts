import { readFileSync } from 'node:fs';

/** Resident memory of a process in MB (10⁶ bytes); NaN where there is no /proc. */
export function residentMbOf(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return (Number(kib) * 1024) / 1e6;
  } catch {
    return NaN;
  }
}
