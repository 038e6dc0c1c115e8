import { Injectable } from '@nestjs/common';
import { asc, eq } from 'drizzle-orm';
import { ControlPlaneDatabase, type Database } from './control-plane.database.js';
import { tenants } from './schema.js';
import type { Plan, Tenant } from './tenant.js';
import { TenantError } from './tenant.error.js';

const SLUG = /^[a-z0-9](?:-?[a-z0-9])*$/;
const MAX_SLUG_LENGTH = 63;
const MAX_NAME_LENGTH = 255;

/** The tenants of the platform. */
@Injectable()
export class Tenants {
  private readonly db: Database;

  constructor({ db }: ControlPlaneDatabase) {
    this.db = db;
  }

  /** @throws TenantError when the slug or name is not acceptable, or the slug is taken. */
  async create({ slug, name, plan }: { slug: string; name: string; plan: Plan }): Promise<Tenant> {
    if (!SLUG.test(slug) || slug.length > MAX_SLUG_LENGTH) {
      throw new TenantError(
        `A tenant's slug is 1 to ${MAX_SLUG_LENGTH} lower-case letters, digits and single hyphens between them, as in "acme-shop".`,
      );
    }
    if (name.trim() === '' || name.length > MAX_NAME_LENGTH) {
      throw new TenantError(`A tenant's name is 1 to ${MAX_NAME_LENGTH} characters, not all blank.`);
    }
    const [tenant] = await this.db.insert(tenants).values({ slug, name, plan }).onConflictDoNothing().returning();
    if (tenant === undefined) {
      throw new TenantError(`There is a tenant "${slug}" already. Choose another slug.`);
    }
    return tenant;
  }

  async find(slug: string): Promise<Tenant | undefined> {
    const [tenant] = await this.db.select().from(tenants).where(eq(tenants.slug, slug));
    return tenant;
  }

  /** All tenants, by slug. */
  async list(): Promise<Tenant[]> {
    return this.db.select().from(tenants).orderBy(asc(tenants.slug));
  }
}
