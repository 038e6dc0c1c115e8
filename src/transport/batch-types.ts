/** Rows of the `events` table, as `EventRowEncoder` writes them. Other columns or another order: a new version. */
export const EVENTS_V1 = 'events.v1';

/** Many small batches of them become fewer large ones on their way to ClickHouse. */
export const COMBINABLE: ReadonlySet<string> = new Set([EVENTS_V1]);

/** The same rows, all of one tenant, out of a batch that was refused. They are stored apart from all others. */
export const EVENTS_APART_V1 = 'events.v1.apart';

/** Types of batches that hold events. */
export const OF_EVENTS: ReadonlySet<string> = new Set([EVENTS_V1, EVENTS_APART_V1]);

/** Rows of the `ingestion_errors` table, as `encodeErrorRow` writes them. */
export const ERRORS_V1 = 'errors.v1';

/** One request about personal data, as `encodeComplianceOrder` writes it. */
export const COMPLIANCE_V1 = 'compliance.v1';
