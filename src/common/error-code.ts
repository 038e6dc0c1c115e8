/** The code that Node or PostgreSQL gave an error, such as `ECONNREFUSED` or `23505`. */
export function errorCodeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
