/** The time for which events are counted together. */
export interface QuotaMonth {
  /** As in `2026-11`. */
  readonly name: string;
  /** The first moment of the next one. */
  readonly endsAt: Date;
}

/** The calendar month in UTC that `now` belongs to. */
export function quotaMonthOf(now: Date): QuotaMonth {
  return {
    name: now.toISOString().slice(0, 7),
    endsAt: new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1)),
  };
}
