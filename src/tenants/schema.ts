import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

/** The tables of the control plane. After a change: `npx drizzle-kit generate --name <what_changes>`. */

export const plan = pgEnum('plan', ['free', 'starter', 'business', 'enterprise']);
export const apiKeyType = pgEnum('api_key_type', ['secret', 'public']);
export const apiKeyMode = pgEnum('api_key_mode', ['live', 'test']);

const instant = (name: string) => timestamp(name, { withTimezone: true });
const createdAt = instant('created_at').notNull().defaultNow();

export const tenants = pgTable('tenants', {
  /** Part of every event of the tenant, so it never changes. */
  slug: text('slug').primaryKey(),
  name: text('name').notNull(),
  plan: plan('plan').notNull().default('free'),
  /** Instead of the plan's own limit; null: as the plan says. */
  callsPerMinute: integer('calls_per_minute'),
  /** Instead of the plan's own limit; null: as the plan says. */
  eventsPerMonth: bigint('events_per_month', { mode: 'number' }),
  createdAt,
});

const tenantSlug = () =>
  text('tenant_slug')
    .notNull()
    .references(() => tenants.slug);

export const apiKeys = pgTable(
  'api_keys',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    tenantSlug: tenantSlug(),
    name: text('name').notNull(),
    type: apiKeyType('type').notNull(),
    mode: apiKeyMode('mode').notNull(),
    /** SHA-256 of the whole key, in hex. The key is 256 random bits, so a slow hash would add nothing. */
    keyHash: text('key_hash').notNull().unique(),
    prefix: text('prefix').notNull(),
    lastFour: text('last_four').notNull(),
    /** Of a public key: `https://shop.example.com` or `https://*.example.com`. Empty: only callers without an origin. */
    allowedOrigins: text('allowed_origins').array().notNull().default([]),
    requireSignedUserId: boolean('require_signed_user_id').notNull().default(false),
    /** Of a public key: the secret for signing user ids, encrypted. */
    hmacSecret: text('hmac_secret'),
    createdAt,
    revokedAt: instant('revoked_at'),
    lastUsedAt: instant('last_used_at'),
  },
  (table) => [
    index('api_keys_tenant_slug').on(table.tenantSlug),
    index('api_keys_allowed_origins').using('gin', table.allowedOrigins),
  ],
);

export const users = pgTable(
  'users',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    tenantSlug: tenantSlug(),
    /** In lower case; unique over all tenants, because it identifies a login. */
    email: text('email').notNull().unique(),
    /** argon2id, in its own text form that carries salt and parameters. */
    passwordHash: text('password_hash').notNull(),
    createdAt,
  },
  (table) => [index('users_tenant_slug').on(table.tenantSlug)],
);

export const refreshTokens = pgTable(
  'refresh_tokens',
  {
    /** SHA-256 of the token, in hex. */
    tokenHash: text('token_hash').primaryKey(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** The login. It has one token, or several from a build that rotated them. */
    familyId: uuid('family_id').notNull(),
    createdAt,
    /** Prolonged by each use. */
    expiresAt: instant('expires_at').notNull(),
    /** Used by builds that rotate tokens, which may still run beside this one. */
    usedAt: instant('used_at'),
  },
  (table) => [
    index('refresh_tokens_user_id').on(table.userId),
    index('refresh_tokens_family_id').on(table.familyId),
    index('refresh_tokens_expires_at').on(table.expiresAt),
  ],
);

interface StoredProperty {
  name: string;
  type: 'string' | 'number' | 'boolean' | 'datetime' | 'array';
  required: boolean;
}

export const eventSchemas = pgTable(
  'event_schemas',
  {
    tenantSlug: tenantSlug(),
    eventType: text('event_type').notNull(),
    /** Counts the changes, so that a process knows whether its compiled schema is current. */
    version: integer('version').notNull().default(1),
    properties: jsonb('properties').$type<StoredProperty[]>().notNull(),
    createdAt,
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenantSlug, table.eventType] })],
);

export const shopifySettings = pgTable('shopify_settings', {
  tenantSlug: tenantSlug().primaryKey(),
  /** `acme.myshopify.com`; null: any shop with a valid secret. */
  shopDomain: text('shop_domain'),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

export const shopifySecrets = pgTable(
  'shopify_secrets',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    tenantSlug: tenantSlug(),
    /** Encrypted. */
    secret: text('secret').notNull(),
    createdAt,
  },
  (table) => [index('shopify_secrets_tenant_slug').on(table.tenantSlug)],
);
