/** Something that an operator can mend. Its message says what and how, and is all that is shown of it: no stack helps. */
export class OperatorError extends Error {}

/** The code that Node or PostgreSQL gave an error, such as `ECONNREFUSED` or `23505`. */
export function errorCodeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/**
 * Their messages tell of code, and those of {@link OperatorError} of what to mend. Those of libraries may quote what was sent:
 * a statement, its parameters, a body.
 */
const TELLING: ReadonlySet<unknown> = new Set([Error, TypeError, RangeError, ReferenceError]);

/** What may be logged of an error: its kind, code and stack, and its message where that cannot quote anybody's data. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${typeof error}`;
  const { code } = error as { code?: unknown };
  const head =
    error instanceof OperatorError || TELLING.has(error.constructor) ? `${error.name}: ${error.message}` : error.name;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const cause = error.cause === undefined ? [] : [`caused by ${describeError(error.cause)}`];
  return [typeof code === 'string' ? `${head} (${code})` : head, ...frames, ...cause].join('\n');
}
