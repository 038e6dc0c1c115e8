/** The calls of a tenant in its minute, the one just counted included. */
export interface CallsOfMinute {
  readonly calls: number;
  /** Until the minute ends. */
  readonly msLeft: number;
}

/** Where a tenant's events of one month are counted. */
export interface EventAccount {
  readonly tenantId: string;
  /** As in `2026-11`. */
  readonly month: string;
  /** From when on nobody asks for the count any more, in seconds since 1970. */
  readonly expiresAt: number;
}

/** What became of events that were to be counted. */
export interface EventCount {
  readonly isCounted: boolean;
  /** Events that had been counted before. */
  readonly used: number;
}

/** What tenants have used of their limits, counted wherever all instances of this deployment count. Never rejects. */
export abstract class LimitCounters {
  /** Counts one call, in a minute that starts with the tenant's first; undefined when it cannot be counted. */
  abstract addCall(tenantId: string): Promise<CallsOfMinute | undefined>;

  /** Counts events, all of them or, beyond `limit`, none; undefined when that cannot be told. */
  abstract reserveEvents(account: EventAccount, events: number, limit: number): Promise<EventCount | undefined>;

  /** Takes events off the count again. Best effort: what cannot be taken off stays counted. */
  abstract releaseEvents(account: EventAccount, events: number): Promise<void>;
}
