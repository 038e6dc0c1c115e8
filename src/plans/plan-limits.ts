import type { Plan, Tenant } from '../tenants/tenant.js';

/** What a tenant may use; undefined: as much as it likes. */
export interface Limits {
  readonly callsPerMinute: number | undefined;
  readonly eventsPerMonth: number | undefined;
}

/** What each plan sells, unless something else was agreed with the tenant. */
export const PLAN_LIMITS: Readonly<Record<Plan, Limits>> = {
  free: { callsPerMinute: 60, eventsPerMonth: 500_000 },
  starter: { callsPerMinute: 300, eventsPerMonth: 5_000_000 },
  business: { callsPerMinute: 1_000, eventsPerMonth: 50_000_000 },
  enterprise: { callsPerMinute: undefined, eventsPerMonth: undefined },
};

/** The limits agreed with the tenant, and its plan's own where nothing was. */
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
