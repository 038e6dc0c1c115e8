import { ERROR_TYPES, type ErrorType } from './error-type.js';
import type { ErrorSource } from './recorded-error.js';

/** How many errors of a type are kept for a tenant in a minute, by each process. */
export const KEPT_A_MINUTE = 100;
/** Tenants that are told apart within a minute: a few hundred bytes each. */
const MAX_TENANTS = 10_000;

/** Errors of which only their number is known. */
export interface UnkeptErrors {
  readonly tenantId: string;
  readonly errorType: ErrorType;
  readonly source: ErrorSource;
  readonly count: number;
}

interface Tally {
  kept: number;
  unkept: number;
  /** Of the last one that was not kept. */
  source: ErrorSource;
}

/** Decides which errors of a minute are kept, tenant by tenant and type by type, and counts the others. */
export class ErrorRate {
  private readonly tallies = new Map<string, Partial<Record<ErrorType, Tally>>>();
  private ofTenantsBeyond = 0;

  /** Whether this error is to be kept. It is counted otherwise. */
  admits({ tenantId, errorType, source }: Omit<UnkeptErrors, 'count'>): boolean {
    const tally = this.tallyOf(tenantId, errorType, source);
    if (tally === undefined) {
      this.ofTenantsBeyond++;
      return false;
    }
    if (tally.kept < KEPT_A_MINUTE) {
      tally.kept++;
      return true;
    }
    tally.unkept++;
    tally.source = source;
    return false;
  }

  /** Counts errors that were admitted, but could not be kept after all. */
  add({ tenantId, errorType, source, count }: UnkeptErrors): void {
    const tally = this.tallyOf(tenantId, errorType, source);
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
    const unkept = [...this.tallies].flatMap(([tenantId, byType]) =>
      ERROR_TYPES.flatMap((errorType) => {
        const tally = byType[errorType];
        return tally === undefined || tally.unkept === 0
          ? []
          : [{ tenantId, errorType, source: tally.source, count: tally.unkept }];
      }),
    );
    this.tallies.clear();
    this.ofTenantsBeyond = 0;
    return { unkept, ofTenantsBeyond };
  }

  /** Undefined when there is no room for another tenant. */
  private tallyOf(tenantId: string, errorType: ErrorType, source: ErrorSource): Tally | undefined {
    let byType = this.tallies.get(tenantId);
    if (byType === undefined) {
      if (this.tallies.size >= MAX_TENANTS) {
        return undefined;
      }
      byType = {};
      this.tallies.set(tenantId, byType);
    }
    return (byType[errorType] ??= { kept: 0, unkept: 0, source });
  }
}
