import type { Command } from 'commander';
import { changeControlPlane, type ControlPlane, withControlPlane } from './with-control-plane.js';
import { print, type Terminal } from './terminal.js';

interface SetSecretOptions {
  replace?: true;
  shopDomain?: string;
  json?: true;
}

/** `shopify set-secret` and `shopify show`. */
export function addShopifyCommands(program: Command, terminal: Terminal): void {
  const shopify = program.command('shopify').description("how tenants' Shopify webhooks are verified");

  shopify
    .command('set-secret')
    .description('add a webhook secret, read from standard input; webhooks signed with any of a tenant’s are taken')
    .argument('<tenant>', 'its slug')
    .option('--replace', 'instead of the secrets there are')
    .option('--shop-domain <domain>', 'take webhooks of this shop only, such as acme.myshopify.com')
    .option('--json', 'print {"tenant", "shopDomain", "secrets"}; secrets are not shown, only when they were added')
    .action(async (tenant: string, { replace, shopDomain, json }: SetSecretOptions) => {
      const secret = (await terminal.in?.())?.trim();
      if (secret === undefined || secret === '') {
        throw new Error('Write the secret to standard input: segops shopify set-secret acme < secret.txt');
      }
      await changeControlPlane(terminal, async (controlPlane) => {
        await controlPlane.tenants.require(tenant);
        const { shopifyAccounts } = controlPlane;
        if (shopDomain !== undefined) await shopifyAccounts.change(tenant, { shopDomain });
        if (replace === true) await shopifyAccounts.change(tenant, { secrets: [secret] });
        else await shopifyAccounts.addSecret(tenant, secret);
        await printSettings(controlPlane, terminal, tenant, json);
      });
    });

  shopify
    .command('show')
    .description("show a tenant's shop domain and how many secrets it has")
    .argument('<tenant>', 'its slug')
    .option('--json', 'print {"tenant", "shopDomain", "secrets"}')
    .action(async (tenant: string, { json }: { json?: true }) => {
      await withControlPlane(terminal, async (controlPlane) => {
        await controlPlane.tenants.require(tenant);
        await printSettings(controlPlane, terminal, tenant, json);
      });
    });
}

async function printSettings(
  { shopifyAccounts }: ControlPlane,
  terminal: Terminal,
  tenant: string,
  json: true | undefined,
): Promise<void> {
  const { shopDomain, secrets } = await shopifyAccounts.summary(tenant);
  const count = secrets.length === 1 ? '1 webhook secret' : `${secrets.length} webhook secrets`;
  const shop = shopDomain === null ? 'takes webhooks of any shop that knows one' : `takes webhooks of ${shopDomain}`;
  print(terminal, json, { tenant, shopDomain, secrets }, `${tenant} has ${count}, and ${shop}.`);
}
