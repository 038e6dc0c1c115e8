import { DrizzleQueryError } from 'drizzle-orm';
import { errorCodeOf } from '../common/error-code.js';

/** SQLSTATE classes in which PostgreSQL itself is at fault: connection, resources, operator intervention, system. */
const OUTAGE_CLASSES = new Set(['08', '53', '57', '58']);

/** Whether a query failed because the database gave no answer, rather than because of the query. */
export function isOutage(error: DrizzleQueryError): boolean {
  const code = errorCodeOf(error.cause);
  const isSqlState = code !== undefined && /^[0-9A-Z]{5}$/.test(code);
  return !isSqlState || OUTAGE_CLASSES.has(code.slice(0, 2));
}
