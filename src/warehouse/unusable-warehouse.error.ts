/** This build cannot work with the ClickHouse it found: its version or its schema. The message says what helps; waiting does not. */
export class UnusableWarehouseError extends Error {
  override readonly name = 'UnusableWarehouseError';
}
