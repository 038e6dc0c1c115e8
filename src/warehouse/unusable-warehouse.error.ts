import { OperatorError } from '../common/operator.error.js';

/** This build cannot work with the ClickHouse it found: its version or its schema. The message says what helps; waiting does not. */
export class UnusableWarehouseError extends OperatorError {
  override readonly name = 'UnusableWarehouseError';
}
