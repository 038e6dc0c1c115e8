import { OperatorError } from '../common/operator.error.js';

/** ClickHouse can never store this batch as it is: its rows cannot be read. Trying again is useless. */
export class BatchRefusedError extends Error {
  override readonly name = 'BatchRefusedError';

  /**
   * @param code ClickHouse's error code, e.g. `33`
   * @param type its name, e.g. `CANNOT_READ_ALL_DATA`
   */
  constructor(
    readonly code: string,
    readonly type: string,
  ) {
    super(`ClickHouse cannot read the rows of this batch: ${type} (${code})`);
  }
}

/** This build cannot work with the ClickHouse it found: its version or its schema. The message says what helps; waiting does not. */
export class UnusableWarehouseError extends OperatorError {
  override readonly name = 'UnusableWarehouseError';
}

/** ClickHouse did not do what it was asked, for a reason that may pass or that an operator can mend. Try again later. */
export class WarehouseUnavailableError extends Error {
  override readonly name = 'WarehouseUnavailableError';
}
