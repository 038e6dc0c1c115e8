import type { Command } from 'commander';
import { print } from './print.js';
import type { Terminal } from './terminal.js';
import { withTenants } from './with-tenants.js';

/** `seed`: whatever it takes to send the first event. */
export function addSeedCommand(program: Command, terminal: Terminal): void {
  program
    .command('seed')
    .description('create a tenant (plan enterprise) when it is missing, and a new secret key for it')
    .requiredOption('--tenant <slug>', 'the tenant')
    .option('--json', 'print {"tenant", "key"}')
    .action(async ({ tenant, json }: { tenant: string; json?: true }) => {
      await withTenants(terminal, async (tenants, apiKeys) => {
        if ((await tenants.find(tenant)) === undefined) {
          await tenants.create({ slug: tenant, name: tenant, plan: 'enterprise' });
        }
        const { key } = await apiKeys.create({ tenantId: tenant, name: 'seed', type: 'secret', mode: 'live' });
        print(terminal, json, { tenant, key }, `Tenant ${tenant} has a new secret key, shown only now:\n${key}`);
      });
    });
}
