import { plan, type tenants } from './schema.js';

export const PLANS = plan.enumValues;

export type Plan = (typeof PLANS)[number];

/** A customer of the platform. Its slug is its id, everywhere. */
export type Tenant = Readonly<typeof tenants.$inferSelect>;

/** A change of the control plane that is not possible; the message tells the caller what to fix. */
export class TenantError extends Error {
  override readonly name = 'TenantError';
}
