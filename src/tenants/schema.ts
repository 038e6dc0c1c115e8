import { index, pgEnum, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** The tables of the control plane. After a change: `npx drizzle-kit generate --name <what_changes>`. */

export const plan = pgEnum('plan', ['free', 'starter', 'business', 'enterprise']);
export const apiKeyType = pgEnum('api_key_type', ['secret', 'public']);
export const apiKeyMode = pgEnum('api_key_mode', ['live', 'test']);

const createdAt = timestamp('created_at', { withTimezone: true }).notNull().defaultNow();

export const tenants = pgTable('tenants', {
  /** Stands in every event of the tenant, so it never changes. */
  slug: text('slug').primaryKey(),
  name: text('name').notNull(),
  plan: plan('plan').notNull().default('free'),
  createdAt,
});

export const apiKeys = pgTable(
  'api_keys',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    tenantSlug: text('tenant_slug')
      .notNull()
      .references(() => tenants.slug),
    name: text('name').notNull(),
    type: apiKeyType('type').notNull(),
    mode: apiKeyMode('mode').notNull(),
    /** SHA-256 of the whole key, in hex. The key is 256 random bits, so a slow hash would add nothing. */
    keyHash: text('key_hash').notNull().unique(),
    prefix: text('prefix').notNull(),
    lastFour: text('last_four').notNull(),
    createdAt,
    revokedAt: timestamp('revoked_at', { withTimezone: true }),
    lastUsedAt: timestamp('last_used_at', { withTimezone: true }),
  },
  (table) => [index('api_keys_tenant_slug').on(table.tenantSlug)],
);
