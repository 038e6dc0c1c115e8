import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { limitsOf } from '../plans/plan-limits.js';
import { type Plan, PLANS, type Tenant, TenantError } from '../tenants/tenant.js';
import { print, type Terminal } from './terminal.js';
import { changeControlPlane, withControlPlane } from './with-control-plane.js';

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
    .addOption(limitOption('--calls-per-minute <n>', "instead of the plan's own limit", MAX_CALLS_PER_MINUTE))
    .addOption(limitOption('--events-per-month <n>', "instead of the plan's own limit", MAX_EVENTS_PER_MONTH))
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
      await withControlPlane(terminal, async ({ tenants }) => {
        const tenant = await tenants.find(slug);
        if (tenant === undefined) {
          throw new TenantError(`There is no tenant "${slug}". Create it first, or check the slug.`);
        }
        printPlan(terminal, json, tenant);
      });
    });
}

function limitOption(flags: string, description: string, max: number): Option {
  return new Option(flags, description).argParser((text: string) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < 1 || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`);
    }
    return value;
  });
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
