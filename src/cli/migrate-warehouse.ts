import { ClickHouseError } from '@clickhouse/client';
import type { INestApplicationContext } from '@nestjs/common';
import { errorCodeOf } from '../common/operator.error.js';
import { Migrator } from '../warehouse/migrator.js';
import { UnusableWarehouseError } from '../warehouse/unusable-warehouse.error.js';

/** @throws Error that says what to check, without what ClickHouse quotes of statements and addresses. */
export async function migrateWarehouse(context: INestApplicationContext): Promise<string[]> {
  try {
    return await context.get(Migrator).migrate();
  } catch (error) {
    if (error instanceof UnusableWarehouseError) throw error;
    throw new Error(
      `The warehouse was not migrated (${reasonOf(error)}). Check CLICKHOUSE_URL and that ClickHouse is up.`,
      { cause: error },
    );
  }
}

function reasonOf(error: unknown): string {
  return (error instanceof ClickHouseError ? error.type : errorCodeOf(error)) ?? 'no answer';
}
