/** What a load is to send, and for how long. */
export interface LoadOrder {
  /** Origins; connections are shared out among them in turn. */
  readonly urls: readonly string[];
  /** A secret key; the baseline has no use for it, and reads past it. */
  readonly key: string;
  readonly connections: number;
  /** Events of a request; `'single'` sends one to the route for one event. */
  readonly events: number | 'single';
  readonly until: { readonly seconds: number } | { readonly requests: number };
  /** So many, whether or not they are answered; left out: each connection sends when it has its answer. */
  readonly requestsPerSecond?: number;
  /** Whether each event is sent with an `event_id` of its own; `'single'` only. Nothing is remembered of such a request. */
  readonly withEventIds?: boolean;
  /** The first event of every so manieth batch is a probe: one that can be told from all others. */
  readonly probeEvery?: number;
}

/** A probe was accepted. */
export interface AcceptedProbe {
  /** What it has for a `user_id`; its `event_type` is `freshness_probed`. */
  readonly probe: string;
  /** When its 202 arrived: milliseconds since 1970. */
  readonly at: number;
}

export interface LoadReport {
  /** When the first byte was sent: milliseconds since 1970. */
  readonly startedAt: number;
  /** From the first byte to the last answer. */
  readonly seconds: number;
  /** Answered with 202. */
  readonly accepted: number;
  readonly acceptedEvents: number;
  /** Other answers by status, and connection errors by their code. */
  readonly others: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What sending cost, in seconds of one CPU. */
  readonly cpuSeconds: number;
}
