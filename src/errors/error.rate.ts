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

interface Counts {
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
  private readonly countsOfTenants = new Map<string, Map<string, Counts>>();
  private ofTenantsBeyond = 0;

  /** Whether this error is to be kept. It is counted otherwise. */
  admits(error: Omit<UnkeptErrors, 'count'>): boolean {
    const counts = this.countsOf(error);
    if (counts === undefined) {
      this.ofTenantsBeyond++;
      return false;
    }
    if (counts.kept < (counts.topic === undefined ? KEPT_A_MINUTE : KEPT_OF_A_TOPIC)) {
      counts.kept++;
      return true;
    }
    counts.unkept++;
    counts.source = error.source;
    return false;
  }

  /** Counts errors that were admitted, but could not be kept after all. */
  add({ count, ...error }: UnkeptErrors): void {
    const counts = this.countsOf(error);
    if (counts === undefined) {
      this.ofTenantsBeyond += count;
    } else {
      counts.unkept += count;
    }
  }

  /**
   * Starts the next minute.
   * @returns what the last one did not keep, and the number of errors of tenants beyond the bound, of which nothing is known
   */
  next(): { unkept: UnkeptErrors[]; ofTenantsBeyond: number } {
    const { ofTenantsBeyond } = this;
    const unkept = [...this.countsOfTenants].flatMap(([tenantId, ofTenant]) =>
      [...ofTenant.values()]
        .filter((counts) => counts.unkept > 0)
        .map(({ errorType, topic, source, unkept: count }) => ({ tenantId, errorType, topic, source, count })),
    );
    this.countsOfTenants.clear();
    this.ofTenantsBeyond = 0;
    return { unkept, ofTenantsBeyond };
  }

  /** Undefined when there is no room for another tenant. */
  private countsOf({ tenantId, errorType, source, topic }: Omit<UnkeptErrors, 'count'>): Counts | undefined {
    let ofTenant = this.countsOfTenants.get(tenantId);
    if (ofTenant === undefined) {
      if (this.countsOfTenants.size >= MAX_TENANTS) {
        return undefined;
      }
      ofTenant = new Map<string, Counts>();
      this.countsOfTenants.set(tenantId, ofTenant);
    }
    const key = topic === undefined ? errorType : `${errorType} ${topic}`;
    const known = ofTenant.get(key);
    if (known !== undefined) return known;
    if (topic !== undefined && ofTenant.size >= MAX_TOPICS) return this.countsOf({ tenantId, errorType, source });
    const counts = { errorType, topic, kept: 0, unkept: 0, source };
    ofTenant.set(key, counts);
    return counts;
  }
}
