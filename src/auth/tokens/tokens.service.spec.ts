import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { BAD_TOKENS, TokenForge } from '../../../test/support/token.forge.js';
import { waitUntil } from '../../../test/support/wait-until.js';
import { ApiError } from '../../common/errors.js';
import { Configuration } from '../../config/configuration.js';
import { SecretBox } from '../../tenants/secret.box.js';
import { passwordVersion } from '../../tenants/user.js';
import { ExternalIssuer } from './external-issuer.js';
import { OwnIssuer } from './own-issuer.js';
import { SigningKeys } from './signing-keys.js';
import type { TokenClaims } from './token.claims.js';
import { Tokens } from './tokens.service.js';

const SECRET = 'a-secret-of-at-least-32-characters';
const OLD = '00'.repeat(32);
const NEW = '11'.repeat(32);
const SESSION = { tenantId: 'acme', apiKeyId: '11111111-2222-4333-8444-555555555555', uid: 'anon_c0ffee' };

const ANN = { id: '66666666-7777-4888-8999-aaaaaaaaaaaa', tenantId: 'acme', passwordHash: 'a hash' };
const VERSION = passwordVersion(ANN.passwordHash);

const pemOf = ({ privateKey }: { privateKey: KeyObject }): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

const KEYS: readonly [string, Partial<Configuration>][] = [
  ['RS256', { jwtPrivateKey: pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 })) }],
  ['ES256', { jwtPrivateKey: pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })) }],
  ['EdDSA', { jwtPrivateKey: pemOf(generateKeyPairSync('ed25519')) }],
  ['HS256 with JWT_SECRET', { jwtSecret: SECRET }],
  ['HS256 with a derived secret', {}],
];

async function start(settings: Partial<Configuration> = {}): Promise<{ tokens: Tokens; forge: TokenForge }> {
  const configuration = Object.assign(new Configuration(), { encryptionKey: OLD, ...settings });
  const keys = await SigningKeys.load(configuration, new SecretBox(configuration));
  const { tenantId, apiKeyId, uid } = SESSION;
  return {
    tokens: new Tokens(new OwnIssuer(keys), new ExternalIssuer(configuration)),
    forge: new TokenForge(keys, { sub: uid, tenant: tenantId, key: apiKeyId }),
  };
}

/** What the token says, or the detail of the 401 it got. Anything else is a failure. */
async function outcomeOf(tokens: Tokens, token: string): Promise<TokenClaims | string | undefined> {
  try {
    return await tokens.verify(token);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401 || !('detail' in error.body)) throw error;
    return String(error.body.detail);
  }
}

describe.each(KEYS)('Tokens, signed with %s', (_, settings) => {
  let tokens: Tokens;
  let forge: TokenForge;

  beforeAll(async () => {
    ({ tokens, forge } = await start(settings));
  });

  it('should issue access tokens for 60 minutes', async () => {
    const token = await tokens.issueAccessToken(ANN);
    const { iat, exp, jti, ...claims } = decodeJwt(token);
    expect(claims).toEqual({ iss: 'segops', aud: 'segops:access', sub: ANN.id, tenant: 'acme', ver: VERSION });
    expect((exp ?? 0) - (iat ?? 0)).toBe(3600);
    expect(jti).toMatch(/^[0-9a-f-]{36}$/);
    expect(decodeProtectedHeader(token).kid).toBe(forge.keys.current.kid);
    expect(await tokens.verify(token)).toEqual({
      kind: 'access',
      userId: ANN.id,
      tenantId: 'acme',
      passwordVersion: VERSION,
    });
  });

  it('should refuse an access token that names no password or no user of ours', async () => {
    const claims = { aud: 'segops:access', sub: ANN.id, ver: VERSION };
    expect(await outcomeOf(tokens, await forge.sign(claims))).toMatchObject({ userId: ANN.id });
    expect(await outcomeOf(tokens, await forge.sign({ ...claims, ver: undefined }))).toMatch(/not valid/);
    expect(await outcomeOf(tokens, await forge.sign({ ...claims, sub: 'ann' }))).toMatch(/not valid/);
  });

  it('should issue session tokens for 15 minutes, to the second', async () => {
    const { token, expiresAt } = await tokens.issueSessionToken(SESSION);
    const { iat, exp, jti, ...claims } = decodeJwt(token);
    expect(claims).toEqual({
      iss: 'segops',
      aud: 'segops:session',
      sub: SESSION.uid,
      tenant: 'acme',
      key: SESSION.apiKeyId,
    });
    expect((exp ?? 0) - (iat ?? 0)).toBe(900);
    expect(expiresAt.getTime()).toBe((exp ?? 0) * 1000);
    expect(jti).toMatch(/^[0-9a-f-]{36}$/);
    expect(await tokens.verify(token)).toEqual({ kind: 'session', ...SESSION, sessionId: jti });
  });

  it('should take what the forge signs unchanged', async () => {
    expect(await tokens.verify(await forge.sign())).toEqual({ kind: 'session', ...SESSION, sessionId: 'jti' });
  });

  it.each(BAD_TOKENS)('should refuse a token with %s', async (_, forged) => {
    const token = await forged(forge);
    const outcome = await outcomeOf(tokens, token);
    expect(['string', 'undefined']).toContain(typeof outcome);
    // Nor is it remembered as good.
    expect(await outcomeOf(tokens, token)).toBe(outcome);
  });

  it('should refuse a token in which any one character is another', async () => {
    const { token } = await tokens.issueSessionToken(SESSION);
    const ends = [...token.matchAll(/(?=\.|$)/g)].map(({ index }) => index - 1);
    for (let index = 0; index < token.length; index++) {
      // The last character of a part may hold bits that mean nothing.
      if (token[index] === '.' || ends.includes(index)) continue;
      const other = token[index] === 'A' ? 'B' : 'A';
      const outcome = await outcomeOf(tokens, token.slice(0, index) + other + token.slice(index + 1));
      expect({ index, taken: typeof outcome === 'object' }).toEqual({ index, taken: false });
    }
  });
});

describe('Tokens', () => {
  it('should tell an expired token from one that is not valid, and where to get another', async () => {
    const { tokens, forge } = await start();
    const exp = Math.floor(Date.now() / 1000) - 1;
    expect(await outcomeOf(tokens, await forge.sign({ exp }))).toMatch(/expired.*\/api\/auth\/session\//);
    expect(await outcomeOf(tokens, await forge.sign({ exp, aud: 'segops:access' }))).toMatch(
      /expired.*\/api\/auth\/token\/refresh\//,
    );
    expect(await outcomeOf(tokens, await forge.sign({}, { kid: 'x' }))).toMatch(/not valid.*\/api\/auth\/session\//);
  });

  it('should not say of a forged token that it has expired', async () => {
    const { tokens, forge } = await start();
    const other = await start({ encryptionKey: NEW });
    const { kid } = forge.keys.current;
    const forged = await other.forge.sign({ exp: 1 }, { kid });
    expect(await outcomeOf(tokens, forged)).toMatch(/is not valid/);
  });

  it('should let a remembered token expire', async () => {
    const { tokens, forge } = await start();
    const token = await forge.sign({ exp: Math.floor(Date.now() / 1000) + 2 });
    expect(await tokens.verify(token)).toMatchObject({ uid: SESSION.uid });
    await waitUntil(async () => typeof (await outcomeOf(tokens, token)) === 'string');
    expect(await outcomeOf(tokens, token)).toMatch(/has expired/);
  });

  it('should check the signature of a token once', async () => {
    const { tokens } = await start();
    const { token } = await tokens.issueSessionToken(SESSION);
    const verifications = jest.spyOn(OwnIssuer.prototype, 'verify');
    for (let request = 0; request < 5; request++) await tokens.verify(token);
    expect(verifications).toHaveBeenCalledTimes(1);
    verifications.mockRestore();
  });

  it('should log nobody out when ENCRYPTION_KEY is rotated, until the old key is gone', async () => {
    const before = await start({ encryptionKey: OLD });
    const during = await start({ encryptionKey: `${NEW},${OLD}` });
    const after = await start({ encryptionKey: NEW });
    const old = await before.tokens.issueAccessToken(ANN);
    const renewed = await during.tokens.issueAccessToken(ANN);
    expect(await outcomeOf(during.tokens, old)).toMatchObject({ userId: ANN.id });
    expect(await outcomeOf(after.tokens, renewed)).toMatchObject({ userId: ANN.id });
    expect(await outcomeOf(after.tokens, old)).toMatch(/not valid/);
  });

  it('should keep taking tokens of JWT_SECRET when a private key signs', async () => {
    const before = await start({ jwtSecret: SECRET });
    const after = await start({ jwtSecret: SECRET, jwtPrivateKey: pemOf(generateKeyPairSync('ed25519')) });
    const old = await before.tokens.issueAccessToken(ANN);
    expect(await outcomeOf(after.tokens, old)).toMatchObject({ userId: ANN.id });
  });

  it('should refuse HS256 under the key id of a private key, and a private key’s algorithm under that of the secret', async () => {
    const { tokens, forge } = await start({
      jwtSecret: SECRET,
      jwtPrivateKey: pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
    });
    const { kid: secretKid } = (await start({ jwtSecret: SECRET })).forge.keys.current;
    expect(await outcomeOf(tokens, forge.signByHand({}, { alg: 'HS256' }, SECRET))).toMatch(/not valid/);
    expect(await outcomeOf(tokens, await forge.sign({}, { kid: secretKid }))).toMatch(/not valid/);
    // The pair that belongs together is taken.
    const right = forge.signByHand({}, { alg: 'HS256', kid: secretKid }, SECRET);
    expect(await outcomeOf(tokens, right)).toMatchObject({ uid: SESSION.uid });
  });
});
