import type { INestApplicationContext } from '@nestjs/common';
import type { Command } from 'commander';
import { errorCodeOf } from '../common/operator.error.js';
import { print, type Terminal } from './terminal.js';

/** `migrate`: for deployments that migrate before they roll out. The service does the same at its start. */
export function addMigrateCommand(program: Command, terminal: Terminal): void {
  program
    .command('migrate')
    .description('bring the control plane and the warehouse to the version of this build')
    .option('--json', 'print {"warehouse": [migrations applied now]}')
    .action(async ({ json }: { json?: true }) => {
      const { runInContext } = await import('./run-in-context.js');
      const { TenantsModule } = await import('../tenants/tenants.module.js');
      const { WarehouseModule } = await import('../warehouse/warehouse.module.js');
      const settings = ['databaseUrl', 'dataDir', 'encryptionKey', 'clickhouseUrl', 'workerConcurrency'] as const;
      const migrate = async (context: INestApplicationContext): Promise<void> => {
        const warehouse = await migrateWarehouse(context);
        const applied = warehouse.length === 0 ? 'was up to date' : `applied ${warehouse.join(', ')}`;
        print(terminal, json, { warehouse }, `The control plane is up to date. The warehouse ${applied}.`);
      };
      await runInContext(terminal, settings, [TenantsModule, WarehouseModule], migrate, { changes: true });
    });
}

/** @throws Error that says what to check, without the statements and addresses that ClickHouse quotes */
async function migrateWarehouse(context: INestApplicationContext): Promise<string[]> {
  const { ClickHouseError } = await import('@clickhouse/client');
  const { Migrator } = await import('../warehouse/migrator.js');
  const { UnusableWarehouseError } = await import('../warehouse/warehouse.errors.js');
  try {
    return await context.get(Migrator).migrate();
  } catch (error) {
    if (error instanceof UnusableWarehouseError) throw error;
    const reason = (error instanceof ClickHouseError ? error.type : errorCodeOf(error)) ?? 'no answer';
    throw new Error(`The warehouse was not migrated (${reason}). Check CLICKHOUSE_URL and that ClickHouse is up.`, {
      cause: error,
    });
  }
}
