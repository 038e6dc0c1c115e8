import type { ShopifyAccounts } from '../shopify/settings/shopify-accounts.service.js';
import type { ApiKeys } from '../tenants/api-keys.service.js';
import type { Tenants } from '../tenants/tenants.service.js';
import type { Users } from '../tenants/users.service.js';
import type { Terminal } from './terminal.js';

/** The services of the control plane that commands work with; each takes the ones it names. */
export interface ControlPlane {
  readonly tenants: Tenants;
  readonly apiKeys: ApiKeys;
  readonly users: Users;
  readonly shopifyAccounts: ShopifyAccounts;
}

/**
 * Runs `work` on the control plane, migrated, and closes it again. Nest and the database drivers are loaded only now, so
 * that help and usage errors are immediate.
 */
export async function withControlPlane(
  terminal: Terminal,
  work: (controlPlane: ControlPlane) => Promise<void>,
): Promise<void> {
  const { runInContext } = await import('./run-in-context.js');
  const { ShopifyAccountsModule } = await import('../shopify/settings/shopify-accounts.module.js');
  const { ShopifyAccounts } = await import('../shopify/settings/shopify-accounts.service.js');
  const { Tenants } = await import('../tenants/tenants.service.js');
  const { ApiKeys } = await import('../tenants/api-keys.service.js');
  const { Users } = await import('../tenants/users.service.js');
  const settings = ['databaseUrl', 'dataDir', 'encryptionKey'] as const;
  await runInContext(terminal, settings, [ShopifyAccountsModule], (context) =>
    work({
      tenants: context.get(Tenants),
      apiKeys: context.get(ApiKeys),
      users: context.get(Users),
      shopifyAccounts: context.get(ShopifyAccounts),
    }),
  );
}
