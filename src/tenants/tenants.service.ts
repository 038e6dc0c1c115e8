import { Injectable } from '@nestjs/common';
import { asc, eq } from 'drizzle-orm';
import { problemOfName } from '../common/text.rules.js';
import { CachedLookup } from './cached-lookup.js';
import { ControlPlaneChanges } from './control-plane.changes.js';
import { ControlPlaneDatabase } from './control-plane.database.js';
import { tenants } from './schema.js';
import { type Plan, type Tenant, TenantError } from './tenant.js';

const SLUG = /^[a-z0-9](?:-?[a-z0-9])*$/;
const MAX_SLUG_LENGTH = 63;

@Injectable()
export class Tenants {
  private readonly bySlug: CachedLookup<Tenant>;

  constructor(
    private readonly database: ControlPlaneDatabase,
    private readonly changes: ControlPlaneChanges,
  ) {
    this.bySlug = new CachedLookup(changes, 'tenant', (slug) => this.find(slug));
  }

  /** @throws TenantError when the slug or name is not acceptable, or the slug is taken. */
  async create({ slug, name, plan }: { slug: string; name: string; plan: Plan }): Promise<Tenant> {
    if (!SLUG.test(slug) || slug.length > MAX_SLUG_LENGTH) {
      throw new TenantError(
        `A tenant's slug is 1 to ${MAX_SLUG_LENGTH} lower-case letters, digits and single hyphens between them, as in "acme-shop".`,
      );
    }
    const problem = problemOfName(name);
    if (problem !== undefined) throw new TenantError(`A tenant's name ${problem}`);
    return this.changes.commit(async (transaction, note) => {
      const [tenant] = await transaction.insert(tenants).values({ slug, name, plan }).onConflictDoNothing().returning();
      if (tenant === undefined) throw new TenantError(`There is a tenant "${slug}" already. Choose another slug.`);
      note('tenant', slug);
      return tenant;
    });
  }

  /** From the database. */
  async find(slug: string): Promise<Tenant | undefined> {
    const [tenant] = await this.database.db.select().from(tenants).where(eq(tenants.slug, slug));
    return tenant;
  }

  /**
   * For requests: from memory where possible.
   * @throws ControlPlaneUnavailableError as {@link CachedLookup.find}
   */
  findCached(slug: string): Promise<Tenant | undefined> {
    return this.bySlug.find(slug);
  }

  /**
   * Puts a tenant on a plan, on every instance from the next request on. Limits that are not null replace the plan's own.
   * @throws TenantError when there is no such tenant
   */
  async setPlan(
    slug: string,
    { plan, ...limits }: { plan: Plan; callsPerMinute: number | null; eventsPerMonth: number | null },
  ): Promise<Tenant> {
    return this.changes.commit(async (transaction, note) => {
      const [tenant] = await transaction
        .update(tenants)
        .set({ plan, ...limits })
        .where(eq(tenants.slug, slug))
        .returning();
      if (tenant === undefined) throw noTenant(slug);
      note('tenant', slug);
      return tenant;
    });
  }

  /** @throws TenantError when there is no such tenant */
  async require(slug: string): Promise<Tenant> {
    const tenant = await this.find(slug);
    if (tenant === undefined) throw noTenant(slug);
    return tenant;
  }

  /** All tenants, by slug. */
  async list(): Promise<Tenant[]> {
    return this.database.db.select().from(tenants).orderBy(asc(tenants.slug));
  }
}

function noTenant(slug: string): TenantError {
  return new TenantError(`There is no tenant "${slug}". Create it first, or check the slug.`);
}
