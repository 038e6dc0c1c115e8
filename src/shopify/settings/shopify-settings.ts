/** What a tenant's webhooks are verified with. */
export interface ShopifySettings {
  /** The only shop whose webhooks are taken; null: any that knows a secret. */
  readonly shopDomain: string | null;
  /** In plain text; a webhook signed with any of them is genuine. */
  readonly secrets: readonly string[];
}

/** What may be told of them. */
export interface ShopifySettingsSummary {
  readonly shopDomain: string | null;
  /** Oldest first. */
  readonly secrets: readonly { readonly id: string; readonly createdAt: Date }[];
}

/** A change: what is absent stays as it is. */
export interface ShopifySettingsChange {
  readonly shopDomain?: string | null | undefined;
  /** Instead of those before. */
  readonly secrets?: readonly string[] | undefined;
}
