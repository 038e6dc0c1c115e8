/** One recorded error as the warehouse stores it. Texts are well-formed Unicode; an empty one means: not known. */
export interface ErrorRow {
  /** The tenant's slug. */
  readonly tenantId: string;
  /** UUID in its text form, unique within the tenant. */
  readonly id: string;
  /** When it happened, by the clock of the process that saw it: milliseconds since 1970. */
  readonly ts: number;
  readonly errorType: string;
  /** The part of the service that saw it. */
  readonly source: string;
  /** What was wrong, for people. */
  readonly detail: string;
  readonly eventType: string;
  readonly userId: string;
  readonly requestId: string;
}
