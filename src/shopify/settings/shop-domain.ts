const FORM = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.myshopify\.com$/;

/** A shop's permanent domain in the form in which Shopify sends it, such as `acme.myshopify.com`; undefined when it is none. */
export function normalizeShopDomain(text: string): string | undefined {
  const domain = text.trim().toLowerCase();
  return FORM.test(domain) ? domain : undefined;
}
