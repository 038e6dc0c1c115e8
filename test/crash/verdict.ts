import type { SentRequest } from './load.js';
import type { StoredRequest } from './stored.events.js';

/** The proof, or the lack of it. All numbers are events. */
export interface Verdict {
  readonly sent: number;
  readonly acknowledged: number;
  readonly givenUp: number;
  /** Answered with neither 202 nor an error of ours, which a valid event must not be. */
  readonly refused: number;
  readonly stored: number;
  /** Stored without an acknowledgement that reached the client: no fault. */
  readonly storedUnacknowledged: number;
  /** Acknowledged and not stored. */
  readonly lost: number;
  /** Counted more than once, of requests that were sent once. */
  readonly duplicatedSentOnce: number;
  /** Counted more than once, of requests that were sent again with the same bytes. */
  readonly duplicatedSentAgain: number;
  /** Stored with another payload than was sent, or never sent at all. */
  readonly altered: number;
}

/** Compares what clients know with what ClickHouse holds. */
export function verdictOn(requests: readonly SentRequest[], stored: readonly StoredRequest[]): Verdict {
  const byRequest = new Map(stored.map((row) => [row.request, row]));
  const sum = (value: (request: SentRequest, row: StoredRequest | undefined) => number): number =>
    requests.reduce((total, request, number) => total + value(request, byRequest.get(number)), 0);
  const eventsOf = (outcome: SentRequest['outcome']): number =>
    sum((request) => (request.outcome === outcome ? request.events : 0));
  const extra = (row: StoredRequest | undefined): number => (row === undefined ? 0 : row.counted - row.present);
  return {
    sent: sum(({ events }) => events),
    acknowledged: eventsOf('acknowledged'),
    givenUp: eventsOf('given up'),
    refused: eventsOf('refused'),
    stored: sum((_, row) => row?.present ?? 0),
    storedUnacknowledged: sum(({ outcome }, row) => (outcome === 'acknowledged' ? 0 : (row?.present ?? 0))),
    lost: sum(({ outcome, events }, row) => (outcome === 'acknowledged' ? events - (row?.present ?? 0) : 0)),
    duplicatedSentOnce: sum(({ attempts }, row) => (attempts === 1 ? extra(row) : 0)),
    duplicatedSentAgain: sum(({ attempts }, row) => (attempts > 1 ? extra(row) : 0)),
    altered: stored.reduce((total, { altered, request, present }) => {
      return total + altered + (requests[request] === undefined ? present : 0);
    }, 0),
  };
}
