import type { Round } from './round.js';
import type { AttemptCounts } from './tally.js';
import type { Verdict } from './verdict.js';

/** What was done in a round, and what clients saw of it. */
export interface RoundReport extends AttemptCounts {
  readonly round: Round;
  readonly longestGapMs: number;
}

/** How many events are stored, counted in three ways that must agree. */
export interface StoredCounts {
  /** What their senders numbered them with. */
  readonly numbers: number;
  /** The ids of their rows. */
  readonly ids: number;
  /** What `GET /api/ingestion/stats/` says. */
  readonly stats: number;
}

/** All that a crash test found out. */
export interface CrashReport {
  readonly verdict: Verdict;
  readonly counts: StoredCounts;
  readonly longestUnavailabilityMs: number;
  readonly rounds: readonly RoundReport[];
  /** What went wrong besides, such as a process that did not end in good order. Empty when all is well. */
  readonly problems: readonly string[];
}
