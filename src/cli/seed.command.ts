import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { CreatedApiKey } from '../tenants/api-key.js';
import { newPassword, print, type Terminal } from './terminal.js';
import { changeControlPlane, type ControlPlane } from './with-control-plane.js';

/** As long as those that Shopify makes. */
const SHOPIFY_SECRET_BYTES = 32;

/** `seed`: whatever it takes to send the first event, and to try everything else. */
export function addSeedCommand(program: Command, terminal: Terminal): void {
  program
    .command('seed')
    .description('create a tenant (plan enterprise) and a user when they are missing, and new credentials for them')
    .requiredOption('--tenant <slug>', 'the tenant')
    .option(
      '--embedded',
      'where there is no control plane, and no DATABASE_URL, make an embedded one in DATA_DIR first',
    )
    .option('--json', 'print {"tenant", "key", "publicKey", "hmacSecret", "email", "password", "shopifySecret"}')
    .action(async ({ tenant, embedded, json }: { tenant: string; embedded?: true; json?: true }) => {
      const { password } = await newPassword(terminal, false);
      await changeControlPlane(
        terminal,
        async (controlPlane) => {
          const seeded = await seed(controlPlane, tenant, password);
          print(terminal, json, seeded, `Tenant ${tenant}, shown only now:\n${listOf(seeded)}`);
        },
        { mayCreate: embedded === true },
      );
    });
}

async function seed({ tenants, apiKeys, users, shopifyAccounts }: ControlPlane, tenant: string, password: string) {
  if ((await tenants.find(tenant)) === undefined) {
    await tenants.create({ slug: tenant, name: tenant, plan: 'enterprise' });
  }
  const createKey = (type: 'secret' | 'public'): Promise<CreatedApiKey> =>
    apiKeys.create({ tenantId: tenant, name: 'seed', type, mode: 'live' });
  const { key } = await createKey('secret');
  const { key: publicKey, hmacSecret } = await createKey('public');
  const email = `admin@${tenant}.example`;
  if ((await users.list(tenant)).some((user) => user.email === email)) await users.setPassword(email, password);
  else await users.create({ tenantId: tenant, email, password });
  const shopifySecret = randomBytes(SHOPIFY_SECRET_BYTES).toString('hex');
  await shopifyAccounts.change(tenant, { secrets: [shopifySecret] });
  return { tenant, key, publicKey, hmacSecret, email, password, shopifySecret };
}

function listOf(values: object): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}\t${String(value)}`)
    .join('\n');
}
