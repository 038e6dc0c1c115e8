import type { Limiter } from '../../metrics/api.metrics.js';

/** How much may be used within a time, under one name. */
export interface Budget {
  /** Unique in a deployment. */
  readonly name: string;
  readonly limit: number;
  /** How long it is counted: from the first use on, or up to a moment. */
  readonly life: { readonly ms: number } | { readonly untilEpochSeconds: number };
}

/** The result of taking from budgets, in their order. */
export interface Taken {
  readonly budgets: readonly {
    /** Before this call. */
    readonly used: number;
    /** Until it starts anew. */
    readonly msLeft: number;
  }[];
  /** The index of the first that had too little left, so that nothing was taken; undefined when all had enough. */
  readonly short: number | undefined;
}

/** Counts the use of budgets, for all instances of this deployment together. Never rejects. */
export abstract class LimitCounters {
  /** Takes `count` from all budgets or, when one has less left, from none; undefined when it cannot be counted. */
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

/** https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-06, the last with one header for each. */
export function rateLimitHeaders({ limit, remaining, resetSeconds }: RateLimit): Record<string, string> {
  return {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(resetSeconds),
  };
}
