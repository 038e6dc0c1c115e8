import { createHmac } from 'node:crypto';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { SigningKeys } from '../../src/auth/tokens/signing-keys.js';

type Changes = Readonly<Record<string, unknown>>;

/** Makes tokens that the service would not issue, with its own keys and with others. */
export class TokenForge {
  constructor(
    readonly keys: SigningKeys,
    private readonly claims: { readonly sub: string; readonly tenant: string; readonly key: string },
  ) {}

  /** A session's token as the service issues it but for the changes; `undefined` takes a claim away. */
  sign(claims: Changes = {}, header: Changes = {}, key: CryptoKey | Uint8Array = this.keys.current.signWith) {
    return new SignJWT(this.payload(claims)).setProtectedHeader(this.header(header)).sign(key);
  }

  /** The same, whatever the key and algorithm: signed with HMAC-SHA256, or not at all. */
  signByHand(claims: Changes, header: Changes, secret: string | undefined): string {
    const signed = [this.header(header), this.payload(claims)]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    return `${signed}.${secret === undefined ? '' : createHmac('sha256', secret).update(signed).digest('base64url')}`;
  }

  private payload(changes: Changes): JWTPayload {
    const now = Math.floor(Date.now() / 1000);
    const defaults = { iss: 'segops', aud: 'segops:session', iat: now, exp: now + 900, jti: 'jti', ...this.claims };
    return { ...defaults, ...changes };
  }

  private header(changes: Changes): { alg: string } {
    const { algorithm: alg, kid } = this.keys.current;
    return Object.assign({ alg }, { kid }, changes);
  }
}

const now = (): number => Math.floor(Date.now() / 1000);
const swapPart = (token: string, index: number, part: string): string => token.split('.').with(index, part).join('.');
const base64url = (text: string): string => Buffer.from(text).toString('base64url');

/** What must not be taken for a token, by what is wrong with it. */
export const BAD_TOKENS: readonly (readonly [string, (forge: TokenForge) => string | Promise<string>])[] = [
  ['a signature of zeros', async (forge) => swapPart(await forge.sign(), 2, 'A'.repeat(86))],
  ['a signature cut off', async (forge) => swapPart(await forge.sign(), 2, '')],
  [
    'other claims under the signature',
    async (forge) => swapPart(await forge.sign(), 1, (await forge.sign({ sub: 'somebody else' })).split('.')[1] ?? ''),
  ],
  [
    'a signature of somebody else’s key',
    async (forge) => {
      const { algorithm } = forge.keys.current;
      const other =
        algorithm === 'HS256'
          ? new TextEncoder().encode('x'.repeat(32))
          : (await generateKeyPair(algorithm)).privateKey;
      return forge.sign({}, {}, other);
    },
  ],
  [
    'a key of its own in the header',
    async (forge) => {
      const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
      const jwk = await exportJWK(publicKey);
      return forge.sign({}, { alg: 'ES256', jwk, kid: undefined }, privateKey);
    },
  ],
  ['expiry a second ago', (forge) => forge.sign({ exp: now() - 1 })],
  ['validity from in a minute', (forge) => forge.sign({ nbf: now() + 60 })],
  ['the algorithm none', (forge) => forge.signByHand({}, { alg: 'none' }, undefined)],
  ['the algorithm None', (forge) => forge.signByHand({}, { alg: 'None' }, undefined)],
  ['no algorithm', (forge) => forge.signByHand({}, { alg: undefined }, undefined)],
  [
    'HS256 with the public key as the secret',
    async (forge) => {
      const { publicJwk, verifyWith } = forge.keys.current;
      const secret = publicJwk === undefined ? 'none' : await exportSPKI(verifyWith);
      return forge.signByHand({}, { alg: 'HS256' }, secret);
    },
  ],
  [
    'HS256 with the public key as the secret, without its last line break',
    async (forge) => {
      const { publicJwk, verifyWith } = forge.keys.current;
      const secret = publicJwk === undefined ? 'none' : (await exportSPKI(verifyWith)).trim();
      return forge.signByHand({}, { alg: 'HS256' }, secret);
    },
  ],
  ['no key id', (forge) => forge.sign({}, { kid: undefined })],
  ['an unknown key id', (forge) => forge.sign({}, { kid: 'nobody' })],
  ['a key id that is a number', (forge) => forge.signByHand({}, { kid: 1 }, 'secret')],
  ['a key id that is a property of objects', (forge) => forge.sign({}, { kid: '__proto__' })],
  ['a key id that is a path', (forge) => forge.signByHand({}, { alg: 'HS256', kid: '../../../../dev/null' }, '')],
  ['a key id that is SQL', (forge) => forge.signByHand({}, { alg: 'HS256', kid: "' UNION SELECT 'a" }, 'a')],
  ['a critical header nobody knows', (forge) => forge.signByHand({}, { crit: ['exp', 'x'], x: 1 }, 'secret')],
  ['another issuer', (forge) => forge.sign({ iss: 'https://login.example.com/' })],
  ['no issuer', (forge) => forge.sign({ iss: undefined })],
  ['two issuers', (forge) => forge.sign({ iss: ['segops'] })],
  ['another audience', (forge) => forge.sign({ aud: 'segops' })],
  ['no audience', (forge) => forge.sign({ aud: undefined })],
  ['both audiences', (forge) => forge.sign({ aud: ['segops:access', 'segops:session'] })],
  [
    'a session’s audience changed to that of access tokens',
    async (forge) => swapPart(await forge.sign(), 1, (await forge.sign({ aud: 'segops:access' })).split('.')[1] ?? ''),
  ],
  ...['sub', 'tenant', 'key', 'iat', 'exp', 'jti'].map(
    (claim) => [`no ${claim}`, (forge: TokenForge) => forge.sign({ [claim]: undefined })] as const,
  ),
  ['an empty sub', (forge) => forge.sign({ sub: '' })],
  ['an expiry in text', (forge) => forge.sign({ exp: String(now() + 900) })],
  ['a tenant that is a list', (forge) => forge.sign({ tenant: ['acme'] })],
  ['a key that is not an id', (forge) => forge.sign({ key: "x' OR 1=1 --" })],
  ['claims that are a list', async (forge) => swapPart(await forge.sign(), 1, base64url('[]'))],
  ['claims that are no JSON', async (forge) => swapPart(await forge.sign(), 1, base64url('{"iss":"segops"'))],
  ['a header that is no JSON', async (forge) => swapPart(await forge.sign(), 0, base64url('{"alg"'))],
  ['a fourth part', async (forge) => `${await forge.sign()}.AAAA`],
  ['five parts, as encrypted tokens have', async (forge) => `${await forge.sign()}.AAAA.AAAA`],
  ['two dots only', () => '..'],
  ['dots and letters', () => 'a.b.c'],
  ['no dot', () => 'garbage'],
  ['an API key', () => `sk_live_${'A'.repeat(43)}`],
  ['a very long text', () => 'A'.repeat(12_000)],
  ['a very long token', (forge) => forge.signByHand({ sub: 'A'.repeat(8_000) }, {}, 'secret')],
  ['padding and other alphabets', async (forge) => `${(await forge.sign()).replaceAll('.', '=.')}+/=`],
];
