/** ClickHouse did not do what it was asked, for a reason that may pass or that an operator can mend. Try again later. */
export class WarehouseUnavailableError extends Error {
  override readonly name = 'WarehouseUnavailableError';
}
