/** Something that an operator can fix. Its message says what and how, and is shown without a stack. */
export class OperatorError extends Error {}

/** The code that Node or PostgreSQL gave an error, such as `ECONNREFUSED` or `23505`. */
export function errorCodeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/** Their messages are about code. Those of libraries may quote a statement, its parameters, or a body. */
const SAFE_TO_LOG: ReadonlySet<unknown> = new Set([Error, TypeError, RangeError, ReferenceError]);

/** The message of whatever was thrown; for errors whose messages quote nobody's data. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What may be logged of an error: its kind, code and stack, and its message where that cannot quote anybody's data. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${typeof error}`;
  const { code } = error as { code?: unknown };
  const head =
    error instanceof OperatorError || SAFE_TO_LOG.has(error.constructor)
      ? `${error.name}: ${error.message}`
      : error.name;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const cause = error.cause === undefined ? [] : [`caused by ${describeError(error.cause)}`];
  return [typeof code === 'string' ? `${head} (${code})` : head, ...frames, ...cause].join('\n');
}
