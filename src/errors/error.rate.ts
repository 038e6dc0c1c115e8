import type { ErrorSource, ErrorType } from './recorded-error.js';

/** How many errors of a type are kept for a tenant in a minute, by each process. */
export const KEPT_A_MINUTE = 100;
/** Of errors with a topic each says the same. */
const KEPT_OF_A_TOPIC = 1;
/** Topics of a tenant that are told apart within a minute; Shopify has some hundred. */
const MAX_TOPICS = 200;
/** Tenants that are told apart within a minute: a few hundred bytes each. */
const MAX_TENANTS = 10_000;

/** Errors of which only their number is known. */
export interface UnkeptErrors {
  readonly tenantId: string;
  readonly errorType: ErrorType;
  readonly source: ErrorSource;
  readonly count: number;
  /** Undefined: they are of several topics, or of none. */
  readonly topic?: string | undefined;
}

interface Tally {
  readonly errorType: ErrorType;
  readonly topic: string | undefined;
  kept: number;
  unkept: number;
  /** Of the last one that was not kept. */
  source: ErrorSource;
}

/** Decides which errors of a minute are kept, tenant by tenant, type by type and topic by topic, and counts the others. */
export class ErrorRate {
  /** By tenant, then by type and topic. */
  private readonly tallies = new Map<string, Map<string, Tally>>();
  private ofTenantsBeyond = 0;

  /** Whether this error is to be kept. It is counted otherwise. */
  admits(error: Omit<UnkeptErrors, 'count'>): boolean {
    const tally = this.tallyOf(error);
    if (tally === undefined) {
      this.ofTenantsBeyond++;
      return false;
    }
    if (tally.kept < (tally.topic === undefined ? KEPT_A_MINUTE : KEPT_OF_A_TOPIC)) {
      tally.kept++;
      return true;
    }
    tally.unkept++;
    tally.source = error.source;
    return false;
  }

  /** Counts errors that were admitted, but could not be kept after all. */
  add({ count, ...error }: UnkeptErrors): void {
    const tally = this.tallyOf(error);
    if (tally === undefined) {
      this.ofTenantsBeyond += count;
    } else {
      tally.unkept += count;
    }
  }

  /**
   * Starts the next minute.
   * @returns what the last one did not keep, and the number of errors of tenants beyond the bound, of which nothing is known
   */
  next(): { unkept: UnkeptErrors[]; ofTenantsBeyond: number } {
    const { ofTenantsBeyond } = this;
    const unkept = [...this.tallies].flatMap(([tenantId, tallies]) =>
      [...tallies.values()]
        .filter((tally) => tally.unkept > 0)
        .map(({ errorType, topic, source, unkept: count }) => ({ tenantId, errorType, topic, source, count })),
    );
    this.tallies.clear();
    this.ofTenantsBeyond = 0;
    return { unkept, ofTenantsBeyond };
  }

  /** Undefined when there is no room for another tenant. */
  private tallyOf({ tenantId, errorType, source, topic }: Omit<UnkeptErrors, 'count'>): Tally | undefined {
    let tallies = this.tallies.get(tenantId);
    if (tallies === undefined) {
      if (this.tallies.size >= MAX_TENANTS) {
        return undefined;
      }
      tallies = new Map<string, Tally>();
      this.tallies.set(tenantId, tallies);
    }
    const key = topic === undefined ? errorType : `${errorType} ${topic}`;
    const known = tallies.get(key);
    if (known !== undefined) return known;
    if (topic !== undefined && tallies.size >= MAX_TOPICS) return this.tallyOf({ tenantId, errorType, source });
    const tally = { errorType, topic, kept: 0, unkept: 0, source };
    tallies.set(key, tally);
    return tally;
  }
}
