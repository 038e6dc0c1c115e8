import { Argument, type Command, Option } from 'commander';
import { limitsOf } from '../plans/plan-limits.js';
import { type Plan, PLANS, type Tenant } from '../tenants/tenant.js';
import { print, type Terminal, wholeNumber } from './terminal.js';
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

/** The largest numbers that the tenants table holds. */
const MAX_CALLS_PER_MINUTE = 2_147_483_647;
const MAX_EVENTS_PER_MONTH = Number.MAX_SAFE_INTEGER;

interface SetOptions {
  callsPerMinute?: number;
  eventsPerMonth?: number;
  json?: true;
}

/** `plan set` and `plan show`. */
export function addPlanCommands(program: Command, terminal: Terminal): void {
  const plan = program.command('plan').description('what tenants may use');

  plan
    .command('set')
    .description('put a tenant on a plan; limits agreed before go, unless they are given again')
    .argument('<tenant>', 'its slug')
    .addArgument(new Argument('<plan>', 'its plan').choices(PLANS))
    .addOption(limitOption('--calls-per-minute <n>', MAX_CALLS_PER_MINUTE))
    .addOption(limitOption('--events-per-month <n>', MAX_EVENTS_PER_MONTH))
    .option('--json', 'print {"tenant", "plan", "callsPerMinute", "eventsPerMonth"}; null: no limit')
    .action(async (slug: string, name: Plan, { callsPerMinute, eventsPerMonth, json }: SetOptions) => {
      await changeControlPlane(terminal, async ({ tenants }) => {
        const agreed = { callsPerMinute: callsPerMinute ?? null, eventsPerMonth: eventsPerMonth ?? null };
        printPlan(terminal, json, await tenants.setPlan(slug, { plan: name, ...agreed }));
      });
    });

  plan
    .command('show')
    .description("show a tenant's plan and limits")
    .argument('<tenant>', 'its slug')
    .option('--json', 'print {"tenant", "plan", "callsPerMinute", "eventsPerMonth"}; null: no limit')
    .action(async (slug: string, { json }: { json?: true }) => {
      await withControlPlane(terminal, async ({ tenants }) => printPlan(terminal, json, await tenants.require(slug)));
    });
}

function limitOption(flags: string, max: number): Option {
  return new Option(flags, "instead of the plan's own limit").argParser(wholeNumber(1, max));
}

function printPlan(terminal: Terminal, json: true | undefined, tenant: Tenant): void {
  const { slug, plan } = tenant;
  const { callsPerMinute, eventsPerMonth } = limitsOf(tenant);
  print(
    terminal,
    json,
    { tenant: slug, plan, callsPerMinute: callsPerMinute ?? null, eventsPerMonth: eventsPerMonth ?? null },
    `${slug} is on the plan ${plan}: ${callsPerMinute ?? 'unlimited'} calls a minute, ${eventsPerMonth ?? 'unlimited'} events a month.`,
  );
}
