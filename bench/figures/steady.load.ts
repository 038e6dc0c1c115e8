import type { LoadOrder } from '../load/load.order.js';

const EVENTS_PER_SECOND = 20_000;
const CONNECTIONS = 64;

/** Where a steady load goes, and in which portions. */
export interface SteadyLoad {
  readonly urls: readonly string[];
  readonly key: string;
  /** Of a request. */
  readonly events: number;
}

/** A load of 20,000 events a second for so long, however long its requests take. */
export function steadyLoad({ urls, key, events }: SteadyLoad, seconds: number): LoadOrder {
  return {
    urls,
    key,
    connections: CONNECTIONS,
    events,
    until: { seconds },
    requestsPerSecond: EVENTS_PER_SECOND / events,
  };
}
