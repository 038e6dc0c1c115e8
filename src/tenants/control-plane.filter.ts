import { type ArgumentsHost, Catch } from '@nestjs/common';
import { DrizzleQueryError } from 'drizzle-orm';
import { ApiExceptionFilter } from '../common/api-exception.filter.js';
import { unavailable } from '../common/errors.js';
import { errorCodeOf } from '../common/operator.error.js';
import { ThrottledLog } from '../common/service.logger.js';
import { ControlPlaneUnavailableError } from './control-plane.database.js';

const RETRY_AFTER_SECONDS = 2;

/** Answers 503 while the control plane is away, and keeps the SQL and parameters of failed queries out of the log. */
@Catch(ControlPlaneUnavailableError, DrizzleQueryError)
export class ControlPlaneFilter extends ApiExceptionFilter {
  private readonly outages = new ThrottledLog('ControlPlane');

  override catch(exception: ControlPlaneUnavailableError | DrizzleQueryError, host: ArgumentsHost): void {
    if (exception instanceof DrizzleQueryError && !isOutage(exception)) {
      super.catch(exception.cause ?? new Error('A query failed.'), host);
      return;
    }
    this.outages.error(() => {
      const isOurs = exception instanceof ControlPlaneUnavailableError;
      const { message } = isOurs ? exception : new ControlPlaneUnavailableError(exception);
      return `${message} Keys in use keep working for 5 minutes.`;
    });
    super.catch(
      unavailable('Accounts and keys cannot be checked right now. Send the request again.', RETRY_AFTER_SECONDS),
      host,
    );
  }
}

/** SQLSTATE classes of PostgreSQL's own faults: connection, resources, operator intervention, system. */
const OUTAGE_CLASSES = new Set(['08', '53', '57', '58']);

/** Whether a query failed because the database gave no answer, rather than because of the query. */
function isOutage(error: DrizzleQueryError): boolean {
  const code = errorCodeOf(error.cause);
  const isSqlState = code !== undefined && /^[0-9A-Z]{5}$/.test(code);
  return !isSqlState || OUTAGE_CLASSES.has(code.slice(0, 2));
}
