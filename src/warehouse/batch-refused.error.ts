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
