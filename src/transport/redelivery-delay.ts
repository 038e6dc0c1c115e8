const REDELIVER_AFTER_MS = 500;
const REDELIVER_AT_MOST_AFTER_MS = 30_000;

/**
 * How long a batch that could not be stored waits for its next delivery, in ms: doubles from half a second up to half a
 * minute, and spreads by half so that many batches do not return as one.
 * @param attempt deliveries so far, 1 at least
 */
export function redeliveryDelay(attempt: number): number {
  const ceiling = Math.min(REDELIVER_AT_MOST_AFTER_MS, REDELIVER_AFTER_MS * 2 ** Math.min(attempt - 1, 16));
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}
