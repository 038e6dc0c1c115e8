import { TenantError } from '../tenants/tenant.error.js';
import type { ControlPlane } from './with-control-plane.js';

/** @throws TenantError when there is no such tenant: a slug with a slip in it has no keys and no users either. */
export async function checkTenant({ tenants }: Pick<ControlPlane, 'tenants'>, slug: string): Promise<void> {
  if ((await tenants.find(slug)) === undefined) {
    throw new TenantError(`There is no tenant "${slug}". Create it first, or check the slug.`);
  }
}
