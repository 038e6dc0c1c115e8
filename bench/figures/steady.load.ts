import type { LoadOrder } from '../load/load.order.js';

export const EVENTS_PER_SECOND = 20_000;
/** What SDKs send at once. */
const EVENTS_A_REQUEST = 20;
const CONNECTIONS = 64;

/** A load of 20,000 events a second as SDKs send them, however long they are answered. */
export function steadyLoad(seconds: number, urls: readonly string[], key: string): LoadOrder {
  return {
    urls,
    key,
    connections: CONNECTIONS,
    events: EVENTS_A_REQUEST,
    until: { seconds },
    requestsPerSecond: EVENTS_PER_SECOND / EVENTS_A_REQUEST,
  };
}
