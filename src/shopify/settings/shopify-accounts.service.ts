import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { asc, eq } from 'drizzle-orm';
import { isBlank } from '../../common/text.rules.js';
import { CachedLookup } from '../../tenants/cached-lookup.js';
import { ControlPlaneChanges } from '../../tenants/control-plane.changes.js';
import { ControlPlaneDatabase } from '../../tenants/control-plane.database.js';
import { shopifySecrets, shopifySettings, tenants } from '../../tenants/schema.js';
import { ownerOfShopify, SecretBox } from '../../tenants/secret.box.js';
import { TenantError } from '../../tenants/tenant.js';

export interface ShopifySettings {
  /** The only shop whose webhooks are accepted; null: any that knows a secret. */
  readonly shopDomain: string | null;
  /** In plain text; a webhook signed with any of them is genuine. */
  readonly secrets: readonly string[];
}

/** Without the secrets themselves. */
interface ShopifySettingsSummary {
  readonly shopDomain: string | null;
  /** Oldest first. */
  readonly secrets: readonly { readonly id: string; readonly createdAt: Date }[];
}

/** What is absent stays as it is. */
interface ShopifySettingsChange {
  readonly shopDomain?: string | null | undefined;
  /** Replace all earlier ones. */
  readonly secrets?: readonly string[] | undefined;
}

/** The app's client secret, the one before it, and the store's own, twice for a rotation of each. */
export const MAX_SECRETS = 6;
export const MAX_SECRET_LENGTH = 255;

/** The tenants' Shopify shops and the secrets that their webhooks are signed with. */
@Injectable()
export class ShopifyAccounts {
  private readonly byTenant: CachedLookup<ShopifySettings>;

  constructor(
    private readonly database: ControlPlaneDatabase,
    private readonly changes: ControlPlaneChanges,
    private readonly box: SecretBox,
  ) {
    this.byTenant = new CachedLookup(changes, 'shopify_settings', (tenantId) => this.load(tenantId));
  }

  /**
   * From memory where possible; `undefined` when there is no such tenant.
   * @throws ControlPlaneUnavailableError as {@link CachedLookup.find}
   */
  of(tenantId: string): Promise<ShopifySettings | undefined> {
    return this.byTenant.find(tenantId);
  }

  async summary(tenantId: string): Promise<ShopifySettingsSummary> {
    const { id, createdAt } = shopifySecrets;
    const secrets = await this.database.db
      .select({ id, createdAt })
      .from(shopifySecrets)
      .where(eq(shopifySecrets.tenantSlug, tenantId))
      .orderBy(asc(createdAt));
    return { shopDomain: await this.shopDomainOf(tenantId), secrets };
  }

  /**
   * Changes the settings, on every instance from the next webhook on.
   * @throws TenantError when the domain or a secret is not acceptable
   */
  async change(tenantId: string, { shopDomain, secrets }: ShopifySettingsChange): Promise<void> {
    const domain = typeof shopDomain === 'string' ? checkedDomain(shopDomain) : shopDomain;
    const encrypted = secrets === undefined ? undefined : this.encryptAll(tenantId, secrets);
    await this.changes.commit(async (transaction, note) => {
      await transaction
        .insert(shopifySettings)
        .values({ tenantSlug: tenantId, shopDomain: domain ?? null })
        .onConflictDoUpdate({
          target: shopifySettings.tenantSlug,
          set: { updatedAt: new Date(), ...(domain === undefined ? {} : { shopDomain: domain }) },
        });
      if (encrypted !== undefined) {
        await transaction.delete(shopifySecrets).where(eq(shopifySecrets.tenantSlug, tenantId));
        if (encrypted.length > 0) await transaction.insert(shopifySecrets).values(encrypted);
      }
      note('shopify_settings', tenantId);
    });
  }

  /**
   * Adds a secret; webhooks signed with any of a tenant's secrets are accepted.
   * @throws TenantError when it is not acceptable, or there are too many
   */
  async addSecret(tenantId: string, secret: string): Promise<void> {
    await this.changes.commit(async (transaction, note) => {
      const existing = await transaction
        .select({ id: shopifySecrets.id })
        .from(shopifySecrets)
        .where(eq(shopifySecrets.tenantSlug, tenantId));
      if (existing.length >= MAX_SECRETS) {
        throw new TenantError(`A tenant has at most ${MAX_SECRETS} Shopify secrets. Replace them instead.`);
      }
      await transaction.insert(shopifySecrets).values(this.encryptAll(tenantId, [secret]));
      note('shopify_settings', tenantId);
    });
  }

  /** Runs the same queries whether or not there is such a tenant, so that the timing does not tell. */
  private async load(tenantId: string): Promise<ShopifySettings | undefined> {
    const stored = await this.database.db
      .select({ secret: shopifySecrets.secret })
      .from(shopifySecrets)
      .where(eq(shopifySecrets.tenantSlug, tenantId))
      .orderBy(asc(shopifySecrets.createdAt));
    const [tenant] = await this.database.db
      .select({ shopDomain: shopifySettings.shopDomain })
      .from(tenants)
      .leftJoin(shopifySettings, eq(shopifySettings.tenantSlug, tenants.slug))
      .where(eq(tenants.slug, tenantId));
    return (
      tenant && {
        shopDomain: tenant.shopDomain,
        secrets: stored.map(({ secret }) => this.box.decrypt(secret, ownerOfShopify(tenantId))),
      }
    );
  }

  private async shopDomainOf(tenantId: string): Promise<string | null> {
    const [settings] = await this.database.db
      .select({ shopDomain: shopifySettings.shopDomain })
      .from(shopifySettings)
      .where(eq(shopifySettings.tenantSlug, tenantId));
    return settings?.shopDomain ?? null;
  }

  private encryptAll(tenantId: string, secrets: readonly string[]) {
    if (secrets.length > MAX_SECRETS) throw new TenantError(`A tenant has at most ${MAX_SECRETS} Shopify secrets.`);
    return secrets.map((secret) => {
      if (isBlank(secret) || secret.length > MAX_SECRET_LENGTH) {
        throw new TenantError(`A Shopify secret has 1 to ${MAX_SECRET_LENGTH} characters.`);
      }
      const encrypted = this.box.encrypt(secret, ownerOfShopify(tenantId));
      return { id: randomUUID(), tenantSlug: tenantId, secret: encrypted, createdAt: new Date() };
    });
  }
}

function checkedDomain(text: string): string {
  const domain = normalizeShopDomain(text);
  if (domain === undefined) {
    throw new TenantError('A shop domain reads acme.myshopify.com, without https:// and without a path.');
  }
  return domain;
}

const FORM = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.myshopify\.com$/;

/** A shop's permanent domain as Shopify sends it, such as `acme.myshopify.com`; undefined for anything else. */
export function normalizeShopDomain(text: string): string | undefined {
  const domain = text.trim().toLowerCase();
  return FORM.test(domain) ? domain : undefined;
}
