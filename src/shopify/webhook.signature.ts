import { createHmac, timingSafeEqual } from 'node:crypto';

/** SHA-256 has 32 bytes, which are 43 characters of base64 and one of padding. */
const FORM = /^[A-Za-z0-9+/]{43}=$/;

/**
 * Whether a webhook is genuine: signed with any of the secrets, as Shopify signs it (base64 of HMAC-SHA256 over the bytes of
 * the body, with the secret's UTF-8 text as key). Every secret is tried, so that the time taken does not tell which matched.
 * @param body the bytes as they were received; JSON that was parsed and written again has another signature
 * @param header `X-Shopify-Hmac-Sha256`; false when it is absent, repeated, or has not the form of a signature
 * @param secrets in plain text; an empty one is passed over, because anybody can sign with it
 */
export function isSigned(body: Uint8Array, header: string | string[] | undefined, secrets: readonly string[]): boolean {
  const sent = readSignature(header);
  if (sent === undefined) {
    return false;
  }
  let isGenuine = false;
  for (const secret of secrets) {
    if (secret === '') continue;
    const matches = timingSafeEqual(sent, createHmac('sha256', secret).update(body).digest());
    isGenuine ||= matches;
  }
  return isGenuine;
}

/** The bytes of a signature; undefined when the header is absent, repeated, or has not the form of one. */
export function readSignature(header: string | string[] | undefined): Buffer | undefined {
  // Node joins the values of a repeated header with ", ", which the form excludes; a list is repeated by itself.
  if (typeof header !== 'string' || !FORM.test(header)) {
    return undefined;
  }
  const sent = Buffer.from(header, 'base64');
  // The last character before the padding carries two bits that decoding drops: four texts would be one signature.
  return sent.toString('base64') === header ? sent : undefined;
}
