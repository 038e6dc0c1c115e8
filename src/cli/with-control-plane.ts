import type { ShopifyAccounts } from '../shopify/settings/shopify-accounts.service.js';
import type { ApiKeys } from '../tenants/api-keys.service.js';
import type { StoredSecrets } from '../tenants/stored-secrets.js';
import type { Tenants } from '../tenants/tenants.service.js';
import type { Users } from '../tenants/users.service.js';
import type { ContextOptions } from './run-in-context.js';
import type { Terminal } from './terminal.js';

/** The services of the control plane that commands use. */
export interface ControlPlane {
  readonly tenants: Tenants;
  readonly apiKeys: ApiKeys;
  readonly users: Users;
  readonly shopifyAccounts: ShopifyAccounts;
  readonly storedSecrets: StoredSecrets;
}

type Work = (controlPlane: ControlPlane) => Promise<void>;

/**
 * Runs `work` on the migrated control plane, and closes it again. Nest and the database drivers are loaded only now, so that
 * help and usage errors are immediate.
 * @throws OperatorError when there is no control plane and none may be made
 */
export async function withControlPlane(terminal: Terminal, work: Work, options: ContextOptions = {}): Promise<void> {
  const { runInContext } = await import('./run-in-context.js');
  const { ShopifyAccountsModule } = await import('../shopify/settings/shopify-accounts.module.js');
  const { ShopifyAccounts } = await import('../shopify/settings/shopify-accounts.service.js');
  const { StoredSecrets } = await import('../tenants/stored-secrets.js');
  const { Tenants } = await import('../tenants/tenants.service.js');
  const { ApiKeys } = await import('../tenants/api-keys.service.js');
  const { Users } = await import('../tenants/users.service.js');
  const settings = ['databaseUrl', 'dataDir', 'encryptionKey'] as const;
  await runInContext(
    terminal,
    settings,
    [ShopifyAccountsModule],
    (context) =>
      work({
        tenants: context.get(Tenants),
        apiKeys: context.get(ApiKeys),
        users: context.get(Users),
        shopifyAccounts: context.get(ShopifyAccounts),
        storedSecrets: context.get(StoredSecrets),
      }),
    options,
  );
}

/** As {@link withControlPlane}, for a command that changes something: says which control plane it was. */
export async function changeControlPlane(terminal: Terminal, work: Work, options: ContextOptions = {}): Promise<void> {
  await withControlPlane(terminal, work, { ...options, changes: true });
}
