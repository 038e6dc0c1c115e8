/** Rows of the `events` table, as `EventRowEncoder` writes them. Other columns or another order: a new version. */
export const EVENTS_V1 = 'events.v1';

/** Rows of the `ingestion_errors` table, as `encodeErrorRow` writes them. */
export const ERRORS_V1 = 'errors.v1';

/** One request about personal data, as `encodeComplianceOrder` writes it. */
export const COMPLIANCE_V1 = 'compliance.v1';
