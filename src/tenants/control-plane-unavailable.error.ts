import { DrizzleQueryError } from 'drizzle-orm';
import { errorCodeOf } from '../common/error-code.js';
import { OperatorError } from '../common/operator.error.js';

/** The control plane gave no answer. Its message names the cause, but neither SQL nor parameters nor addresses. */
export class ControlPlaneUnavailableError extends OperatorError {
  override readonly name = 'ControlPlaneUnavailableError';

  constructor(reason: unknown) {
    super(`The control plane gave no answer (${describe(reason)}). Check DATABASE_URL and that PostgreSQL is up.`);
  }
}

function describe(reason: unknown): string {
  const error = reason instanceof DrizzleQueryError ? reason.cause : reason;
  return errorCodeOf(error) ?? (error instanceof Error ? error.message : 'unknown cause');
}
