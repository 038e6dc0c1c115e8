import { type Command, Option } from 'commander';
import { type Plan, PLANS, type Tenant } from '../tenants/tenant.js';
import { print, type Terminal } from './terminal.js';
import { changeControlPlane, withControlPlane } from './with-control-plane.js';

/** `tenant create` and `tenant list`. */
export function addTenantCommands(program: Command, terminal: Terminal): void {
  const tenant = program.command('tenant').description('tenants');

  tenant
    .command('create')
    .description('create a tenant')
    .argument('<slug>', 'its id for ever: lower-case letters, digits and single hyphens')
    .option('--name <name>', 'its name (default: the slug)')
    .addOption(new Option('--plan <plan>', 'its plan').choices(PLANS).default('free'))
    .option('--json', 'print the tenant as JSON')
    .action(async (slug: string, { name = slug, plan, json }: { name?: string; plan: Plan; json?: true }) => {
      await changeControlPlane(terminal, async ({ tenants }) => {
        const created = await tenants.create({ slug, name, plan });
        print(terminal, json, created, `Created tenant ${slug} (plan ${plan}).`);
      });
    });

  tenant
    .command('list')
    .description('list all tenants')
    .option('--json', 'print an array')
    .action(async ({ json }: { json?: true }) => {
      await withControlPlane(terminal, async ({ tenants }) => {
        const all = await tenants.list();
        print(terminal, json, all, all.length === 0 ? 'There are no tenants.' : all.map(describe).join('\n'));
      });
    });
}

function describe({ slug, plan, name }: Tenant): string {
  return `${slug}\t${plan}\t${name}`;
}
