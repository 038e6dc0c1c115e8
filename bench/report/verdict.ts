import type { Measurement } from '../figure.js';

/** How a measurement stands to its bar. */
export interface Verdict {
  /** To the baseline; undefined when there is none. */
  readonly ratio: number | undefined;
  /** As people write it: `≥ 0.40`. Empty when there is no bar. */
  readonly bar: string;
  /** Undefined when there is no bar. */
  readonly isMet: boolean | undefined;
}

/** @throws Error when the bar is about a ratio and there is no baseline */
export function verdictOn({ what, value, unit, baseline, bar }: Measurement): Verdict {
  const ratio = baseline === undefined ? undefined : value / baseline;
  if (bar === undefined) return { ratio, bar: '', isMet: undefined };
  if ('atMost' in bar) return { ratio, bar: `≤ ${bar.atMost} ${unit}`, isMet: value <= bar.atMost };
  if (ratio === undefined) throw new Error(`${what} has a bar for its ratio and no baseline`);
  if ('ratioWithin' in bar) {
    return { ratio, bar: `± ${bar.ratioWithin.toFixed(2)} ×`, isMet: Math.max(ratio, 1 / ratio) <= bar.ratioWithin };
  }
  return 'ratioAtLeast' in bar
    ? { ratio, bar: `≥ ${bar.ratioAtLeast.toFixed(2)} ×`, isMet: ratio >= bar.ratioAtLeast }
    : { ratio, bar: `≤ ${bar.ratioAtMost.toFixed(2)} ×`, isMet: ratio <= bar.ratioAtMost };
}
