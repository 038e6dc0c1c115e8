/** What attempts to send came to, by kind. */
export interface AttemptCounts {
  accepted: number;
  unavailable: number;
  connectionErrors: number;
  timeouts: number;
  /** Any other answer; there should be none. */
  refused: number;
}

/** Counts attempts, and measures how long nothing was accepted, since it was last asked and over all. */
export class Tally {
  private counts = nothing();
  private lastAccepted = Date.now();
  private longestGap = 0;
  private longestGapEver = 0;

  count(kind: keyof AttemptCounts): void {
    this.counts[kind]++;
    if (kind === 'accepted') {
      this.notice();
      this.lastAccepted = Date.now();
    }
  }

  /** How often something was accepted since the last {@link take}. */
  get accepted(): number {
    return this.counts.accepted;
  }

  /** The longest time without a 202, in ms. */
  get longestUnavailabilityMs(): number {
    return this.longestGapEver;
  }

  /** What was counted since the last call. */
  take(): AttemptCounts & { readonly longestGapMs: number } {
    this.notice();
    const taken = { ...this.counts, longestGapMs: this.longestGap };
    this.counts = nothing();
    this.longestGap = 0;
    return taken;
  }

  private notice(): void {
    this.longestGap = Math.max(this.longestGap, Date.now() - this.lastAccepted);
    this.longestGapEver = Math.max(this.longestGapEver, this.longestGap);
  }
}

function nothing(): AttemptCounts {
  return { accepted: 0, unavailable: 0, connectionErrors: 0, timeouts: 0, refused: 0 };
}
