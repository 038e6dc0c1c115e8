import { getDomain } from 'tldts';

/** A host name has at most 253 characters; the rest is for the scheme, a wildcard and a port. */
const MAX_LENGTH = 300;

/** An origin as browsers write it (https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin), also of an app's own scheme. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/** A scheme, perhaps one wildcard, and an authority without user. */
const ENTRY = /^([a-z][a-z0-9+.-]*:\/\/)(\*\.)?([^/\\?#@*\s]+)$/;

/** Of pages on the web, of apps in a web view, and of extensions. */
const SCHEME = /^(?:https?|capacitor|ionic|(?:chrome|moz|safari-web)-extension):/;

/**
 * An entry of an allowlist, `https://shop.example.com` or `https://*.example.com`, as browsers send origins: lower case, no
 * default port, Punycode. Undefined for anything else, and for wildcards over domains of several owners, such as
 * `https://*.co.uk` and `https://*.github.io`.
 */
export function normalizeOrigin(entry: string): string | undefined {
  const [, scheme = '', wildcard = '', authority = ''] = ENTRY.exec(entry.trim().toLowerCase()) ?? [];
  const origin = parseOrigin(serialize(scheme + authority));
  if (origin === undefined || !SCHEME.test(origin) || (wildcard !== '' && !hasOneOwner(origin))) return undefined;
  return origin.replace('://', `://${wildcard}`);
}

/** The origin that an `Origin` header names; undefined for `null`, which any sandboxed page sends, and for malformed ones. */
export function parseOrigin(header: string): string | undefined {
  if (header.length > MAX_LENGTH) return undefined;
  const origin = header.toLowerCase();
  return ORIGIN.test(origin) ? origin : undefined;
}

/**
 * The entries that admit an origin: the origin itself, and the wildcard one level above it. A wildcard stands for exactly one
 * label: `https://*.example.com` admits neither `https://a.b.example.com` nor `https://example.com`.
 */
export function entriesThatAdmit(origin: string): string[] {
  const [, scheme, parent] = /^([^/]+:\/\/)[^.:[]+\.(.+)$/.exec(origin) ?? [];
  return scheme === undefined || parent === undefined ? [origin] : [origin, `${scheme}*.${parent}`];
}

/** Whether an allowlist admits the origin that an `Origin` header names. */
export function isListed(header: string, allowlist: readonly string[]): boolean {
  const origin = parseOrigin(header);
  return origin !== undefined && entriesThatAdmit(origin).some((entry) => allowlist.includes(entry));
}

/** Web origins as `URL` writes them, empty for malformed ones; `URL` has no origins for other schemes, which stay as they are. */
function serialize(text: string): string {
  if (!/^https?:/.test(text)) return text;
  return URL.canParse(text) ? new URL(text).origin : '';
}

/**
 * Whether all subdomains of a web origin's host have one owner: it is no public suffix (https://publicsuffix.org), and no
 * address.
 */
function hasOneOwner(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname } = new URL(origin);
  if (!/^https?:$/.test(protocol)) return false;
  return (
    hostname === 'localhost' || getDomain(hostname, { allowPrivateDomains: true, extractHostname: false }) !== null
  );
}
