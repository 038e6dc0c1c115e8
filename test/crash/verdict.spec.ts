import { faultsOf } from './faults.js';
import type { SentRequest } from './load.js';
import type { StoredRequest } from './stored.events.js';
import { verdictOn } from './verdict.js';

/** The crash test itself must notice what it is there for. */
describe('verdictOn', () => {
  const sent = (request: Partial<SentRequest> = {}): SentRequest => ({
    events: 10,
    attempts: 1,
    outcome: 'acknowledged',
    status: 202,
    ...request,
  });
  const stored = (row: Partial<StoredRequest> = {}): StoredRequest => ({
    request: 0,
    present: 10,
    counted: 10,
    altered: 0,
    ...row,
  });
  const agreeing = { numbers: 10, ids: 10, stats: 10 };
  const faults = (requests: SentRequest[], rows: StoredRequest[], counts = agreeing): string[] =>
    faultsOf({ verdict: verdictOn(requests, rows), counts, longestUnavailabilityMs: 0, rounds: [], problems: [] });

  it('should find no fault when each acknowledged event is stored once', () => {
    expect(faults([sent(), sent({ attempts: 3 })], [stored(), stored({ request: 1 })])).toEqual([]);
  });

  it('should count what was acknowledged and is not stored as lost', () => {
    expect(verdictOn([sent(), sent()], [stored({ present: 7, counted: 7 })])).toMatchObject({ lost: 13, stored: 7 });
    expect(faults([sent()], [])).toEqual(['10 acknowledged events are not stored']);
  });

  it('should not count as lost what was given up, nor as a fault that it is stored all the same', () => {
    const requests = [sent(), sent({ outcome: 'given up', attempts: 5 })];
    expect(faults(requests, [stored()])).toEqual([]);
    expect(faults(requests, [stored(), stored({ request: 1 })])).toEqual([]);
    expect(verdictOn(requests, [stored(), stored({ request: 1 })]).storedUnacknowledged).toBe(10);
  });

  it('should tell duplicates of requests that were sent once from those that were sent again', () => {
    const requests = [sent(), sent({ attempts: 2 })];
    const rows = [stored({ counted: 11 }), stored({ request: 1, counted: 20 })];
    expect(verdictOn(requests, rows)).toMatchObject({ duplicatedSentOnce: 1, duplicatedSentAgain: 10, lost: 0 });
    expect(faults(requests, rows)).toHaveLength(2);
  });

  it('should find fault with events that are altered, refused, or that nobody sent', () => {
    expect(faults([sent()], [stored({ altered: 2 })])).toHaveLength(1);
    expect(faults([sent(), sent({ outcome: 'refused', status: 400 })], [stored()])).toHaveLength(1);
    expect(faults([sent()], [stored(), stored({ request: 7 })])).toHaveLength(1);
  });

  it('should find fault with ids or stats that count something else than there is', () => {
    expect(faults([sent()], [stored()], { ...agreeing, ids: 11 })).toEqual([
      '10 events are 11 by the ids of their rows, and 10 by /stats/',
    ]);
    expect(faults([sent()], [stored()], { ...agreeing, stats: 11 })).toHaveLength(1);
  });

  it('should find fault with a test in which nothing was acknowledged', () => {
    expect(faults([], [])).toEqual(['nothing was acknowledged']);
  });
});
