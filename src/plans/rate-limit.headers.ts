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
