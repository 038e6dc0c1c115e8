/** The schema of ClickHouse is not one that this build can work with. Waiting does not help; the message says what does. */
export class SchemaMismatchError extends Error {
  override readonly name = 'SchemaMismatchError';
}
