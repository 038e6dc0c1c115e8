import type { ShopifyAccounts } from '../shopify/settings/shopify-accounts.service.js';
import type { ApiKeys } from '../tenants/api-keys.service.js';
import type { Tenants } from '../tenants/tenants.service.js';
import type { StoredSecrets } from '../tenants/stored-secrets.js';
import type { Users } from '../tenants/users.service.js';
import type { Terminal } from './terminal.js';

/** The services of the control plane that commands work with; each takes the ones it names. */
export interface ControlPlane {
  readonly tenants: Tenants;
  readonly apiKeys: ApiKeys;
  readonly users: Users;
  readonly shopifyAccounts: ShopifyAccounts;
  readonly storedSecrets: StoredSecrets;
  /** Where it is, for operators. */
  readonly place: string;
}

/**
 * Runs `work` on the control plane, migrated, and closes it again. Nest and the database drivers are loaded only now, so
 * that help and usage errors are immediate.
 * @param options `mayCreate`: make an embedded control plane where there is none
 * @throws OperatorError when there is no control plane and none may be made
 */
export async function withControlPlane(
  terminal: Terminal,
  work: (controlPlane: ControlPlane) => Promise<void>,
  options: { mayCreate?: boolean } = {},
): Promise<void> {
  const { runInContext } = await import('./run-in-context.js');
  const { ShopifyAccountsModule } = await import('../shopify/settings/shopify-accounts.module.js');
  const { ShopifyAccounts } = await import('../shopify/settings/shopify-accounts.service.js');
  const { ControlPlaneDatabase } = await import('../tenants/control-plane.database.js');
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
        place: context.get(ControlPlaneDatabase).place,
      }),
    options,
  );
}

/** As {@link withControlPlane}, for a command that changes something: it says where, as a wrong setting leads elsewhere. */
export async function changeControlPlane(
  ...[terminal, work, options]: Parameters<typeof withControlPlane>
): Promise<void> {
  await withControlPlane(
    terminal,
    async (controlPlane) => {
      await work(controlPlane);
      sayControlPlane(terminal, controlPlane.place);
    },
    options,
  );
}

/** On `terminal.err`: what scripts read stays as it is. */
export function sayControlPlane(terminal: Terminal, place: string): void {
  terminal.err(`Control plane: ${place}.\n`);
}
