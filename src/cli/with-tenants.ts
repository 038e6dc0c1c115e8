import type { ApiKeys } from '../tenants/api-keys.service.js';
import type { Tenants } from '../tenants/tenants.service.js';
import type { Terminal } from './terminal.js';

/**
 * Runs `work` on the control plane, migrated, and closes it again. Nest and the database drivers are loaded only now, so
 * that help and usage errors are immediate.
 */
export async function withTenants(
  terminal: Terminal,
  work: (tenants: Tenants, apiKeys: ApiKeys) => Promise<void>,
): Promise<void> {
  const { runInContext } = await import('./run-in-context.js');
  const { TenantsModule } = await import('../tenants/tenants.module.js');
  const { Tenants } = await import('../tenants/tenants.service.js');
  const { ApiKeys } = await import('../tenants/api-keys.service.js');
  await runInContext(terminal, ['databaseUrl', 'dataDir'], [TenantsModule], (context) =>
    work(context.get(Tenants), context.get(ApiKeys)),
  );
}
