import type { Plan, Tenant } from '../tenants/tenant.js';

/** What a tenant may use; undefined: unlimited. */
export interface Limits {
  readonly callsPerMinute: number | undefined;
  readonly eventsPerMonth: number | undefined;
}

/** Unless something else was agreed with the tenant. */
const PLAN_LIMITS: Readonly<Record<Plan, Limits>> = {
  free: { callsPerMinute: 60, eventsPerMonth: 500_000 },
  starter: { callsPerMinute: 300, eventsPerMonth: 5_000_000 },
  business: { callsPerMinute: 1_000, eventsPerMonth: 50_000_000 },
  enterprise: { callsPerMinute: undefined, eventsPerMonth: undefined },
};

/** The limits agreed with the tenant, else those of its plan. */
export function limitsOf({
  plan,
  callsPerMinute,
  eventsPerMonth,
}: Pick<Tenant, 'plan' | 'callsPerMinute' | 'eventsPerMonth'>): Limits {
  const own = PLAN_LIMITS[plan];
  return {
    callsPerMinute: callsPerMinute ?? own.callsPerMinute,
    eventsPerMonth: eventsPerMonth ?? own.eventsPerMonth,
  };
}
