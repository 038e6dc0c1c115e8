import type { Limiter } from '../../metrics/api.metrics.js';

/** How much may be taken in a time, by whoever the name says. */
export interface Budget {
  /** What it is counted under; no two of a deployment have the same. */
  readonly name: string;
  readonly limit: number;
  /** How long it is counted: from the first on, or up to a moment. */
  readonly life: { readonly ms: number } | { readonly untilEpochSeconds: number };
}

/** What came of taking from budgets; in their order. */
export interface Taken {
  readonly budgets: readonly {
    /** Taken before. */
    readonly used: number;
    /** Until it begins anew. */
    readonly msLeft: number;
  }[];
  /** The place of the first that had too little left, so that nothing was taken of any; undefined when all had enough. */
  readonly short: number | undefined;
}

/** What callers have used of their budgets, counted wherever all instances of this deployment count. Never rejects. */
export abstract class LimitCounters {
  /** Takes `count` from all budgets or, when one has less left, from none; undefined when that cannot be told. */
  abstract take(limiter: Limiter, budgets: readonly Budget[], count: number): Promise<Taken | undefined>;

  /** Gives back what was taken. Best effort: what cannot be given back stays counted. */
  abstract giveBack(limiter: Limiter, budgets: readonly Budget[], count: number): Promise<void>;
}

/** How much of a limit is left. */
export interface RateLimit {
  readonly limit: number;
  readonly remaining: number;
  /** Until the limit is whole again. */
  readonly resetSeconds: number;
}

/** As in https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-06, the last with a header for each. */
export function rateLimitHeaders({ limit, remaining, resetSeconds }: RateLimit): Record<string, string> {
  return {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(resetSeconds),
  };
}
