import { quantile } from './quantile.js';

/** Of rounds on a machine that does other things too, the one in the middle. */
export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
