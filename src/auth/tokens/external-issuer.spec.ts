import { createHmac } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { IdentityProvider } from '../../../test/support/identity.provider.js';
import { ApiError } from '../../common/errors.js';
import { OperatorError } from '../../common/operator.error.js';
import { Configuration } from '../../config/configuration.js';
import { SecretBox } from '../../tenants/secret.box.js';
import { ExternalIssuer } from './external-issuer.js';
import { OwnIssuer } from './own-issuer.js';
import { SigningKeys } from './signing-keys.js';
import type { TokenClaims } from './token.claims.js';
import { Tokens } from './tokens.service.js';

const ANN: TokenClaims = { kind: 'access', userId: 'ann@idp', tenantId: 'acme', passwordVersion: undefined };

const providers: IdentityProvider[] = [];

afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(providers.splice(0).map((provider) => provider.stop()));
});

async function startProvider(...algorithm: Parameters<typeof IdentityProvider.start>): Promise<IdentityProvider> {
  const provider = await IdentityProvider.start(...algorithm);
  providers.push(provider);
  return provider;
}

async function tokensTrusting(
  { jwksUrl }: IdentityProvider,
  settings: Partial<Configuration> = {},
): Promise<{ tokens: Tokens; issuer: ExternalIssuer }> {
  const configuration = Object.assign(new Configuration(), {
    encryptionKey: '00'.repeat(32),
    oidcJwksUrl: jwksUrl,
    oidcIssuer: IdentityProvider.ISSUER,
    oidcAudience: IdentityProvider.AUDIENCE,
    ...settings,
  });
  const own = new OwnIssuer(await SigningKeys.load(configuration, new SecretBox(configuration)));
  const issuer = new ExternalIssuer(configuration);
  return { tokens: new Tokens(own, issuer), issuer };
}

/** What the token says, or the status it got. */
async function outcomeOf(tokens: Tokens, token: string): Promise<TokenClaims | number | undefined> {
  try {
    return await tokens.verify(token);
  } catch (error) {
    if (error instanceof ApiError) return error.status;
    throw error;
  }
}

function passTime(ms: number): void {
  const now = Date.now.bind(Date);
  jest.spyOn(Date, 'now').mockImplementation(() => now() + ms);
}

describe('ExternalIssuer', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)('should take a token signed with %s', async (algorithm) => {
    const provider = await startProvider(algorithm);
    const { tokens } = await tokensTrusting(provider);
    expect(await outcomeOf(tokens, await provider.sign())).toEqual(ANN);
  });

  it('should ask for the keys once, not for every token', async () => {
    const provider = await startProvider();
    const { tokens } = await tokensTrusting(provider);
    for (let user = 0; user < 5; user++) {
      expect(await outcomeOf(tokens, await provider.sign({ sub: `user-${user}` }))).toMatchObject({ kind: 'access' });
    }
    expect(provider.requests).toBe(1);
  });

  it('should read the tenant from a claim whose name is a URL', async () => {
    const provider = await startProvider();
    const claim = 'https://example.com/tenant';
    const { tokens } = await tokensTrusting(provider, { oidcTenantClaim: claim });
    expect(await outcomeOf(tokens, await provider.sign({ tenant: 'other', [claim]: 'acme' }))).toEqual(ANN);
    expect(await outcomeOf(tokens, await provider.sign({ 'https://example': { 'com/tenant': 'acme' } }))).toBe(401);
  });

  it.each([
    ['another audience', { aud: 'somebody-else' }],
    ['no audience', { aud: undefined }],
    ['the audience of our own tokens', { aud: 'segops:session' }],
    ['no expiry', { exp: undefined }],
    ['expiry an hour ago', { exp: Math.floor(Date.now() / 1000) - 3600 }],
    ['validity from in an hour', { nbf: Math.floor(Date.now() / 1000) + 3600 }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['no tenant', { tenant: undefined }],
    ['a list of tenants', { tenant: ['acme'] }],
    ['a tenant that is a number', { tenant: 1 }],
  ])('should answer 401 to a token with %s', async (_, claims) => {
    const provider = await startProvider();
    const { tokens } = await tokensTrusting(provider);
    expect(await outcomeOf(tokens, await provider.sign(claims))).toBe(401);
  });

  it('should forgive a clock that is a few seconds off', async () => {
    const provider = await startProvider();
    const { tokens } = await tokensTrusting(provider);
    const now = Math.floor(Date.now() / 1000);
    expect(await outcomeOf(tokens, await provider.sign({ nbf: now + 3 }))).toEqual(ANN);
    expect(await outcomeOf(tokens, await provider.sign({ exp: now - 2 }))).toEqual(ANN);
  });

  it('should answer 401 to HS256, whatever the JWKS holds', async () => {
    const provider = await startProvider();
    const secret = 'a-secret-that-stands-in-the-jwks';
    provider.answer = (response, keys) => {
      const k = Buffer.from(secret).toString('base64url');
      response.end(JSON.stringify({ keys: [...keys, { kty: 'oct', kid: 'shared', alg: 'HS256', k }] }));
    };
    const { tokens } = await tokensTrusting(provider);
    const [, payload] = (await provider.sign()).split('.');
    const sign = (kid: string | undefined, key: string): string => {
      const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid })).toString('base64url');
      return `${header}.${payload}.${createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url')}`;
    };
    expect(await outcomeOf(tokens, sign('shared', secret))).toBe(401);
    expect(await outcomeOf(tokens, sign(provider.publicKeys[0]?.kid, JSON.stringify(provider.publicKeys[0])))).toBe(
      401,
    );
  });

  it('should answer 401 to a token that another key signed under the issuer’s key id', async () => {
    const provider = await startProvider();
    const impostor = await startProvider();
    const { tokens } = await tokensTrusting(provider);
    const forged = await impostor.sign({}, { kid: provider.publicKeys[0]?.kid });
    expect(await outcomeOf(tokens, forged)).toBe(401);
  });

  it('should never make a session, nor take a token in our own name', async () => {
    const provider = await startProvider();
    const { tokens } = await tokensTrusting(provider);
    const key = '11111111-2222-4333-8444-555555555555';
    expect(await outcomeOf(tokens, await provider.sign({ key }))).toEqual(ANN);
    for (const aud of ['segops:session', 'segops:access']) {
      expect(await outcomeOf(tokens, await provider.sign({ iss: 'segops', aud, key, jti: 'x' }))).toBe(401);
    }
  });

  it('should not be asked about tokens of issuers that nobody named', async () => {
    const provider = await startProvider();
    const { tokens } = await tokensTrusting(provider);
    expect(await outcomeOf(tokens, await provider.sign({ iss: 'https://evil.example.com/' }))).toBeUndefined();
    const { tokens: alone } = await tokensTrusting(provider, { oidcIssuer: 'https://other.example.com/' });
    expect(await outcomeOf(alone, await provider.sign())).toBeUndefined();
    expect(provider.requests).toBe(0);
  });

  it('should refuse, at start, an issuer that has our own name', () => {
    const settings = { oidcJwksUrl: 'https://x/jwks', oidcIssuer: 'segops', oidcAudience: 'x' };
    expect(() => new ExternalIssuer(Object.assign(new Configuration(), settings))).toThrow(OperatorError);
  });

  it('should take tokens of a new key at once when the last look is a while ago', async () => {
    const provider = await startProvider();
    const { tokens } = await tokensTrusting(provider);
    const old = await provider.sign();
    expect(await outcomeOf(tokens, old)).toEqual(ANN);
    await provider.rotate();
    const renewed = await provider.sign({ sub: 'bob' });
    passTime(11_000);
    expect(await outcomeOf(tokens, renewed)).toMatchObject({ userId: 'bob' });
    expect(provider.requests).toBe(2);
  });

  it('should answer 401 to unknown keys, and not ask the issuer for each', async () => {
    const provider = await startProvider();
    const { tokens } = await tokensTrusting(provider);
    for (let index = 0; index < 20; index++) {
      expect(await outcomeOf(tokens, await provider.sign({}, { kid: `made-up-${index}` }))).toBe(401);
    }
    expect(provider.requests).toBe(1);
  });

  it('should stop taking a remembered token 10 minutes after its key was withdrawn', async () => {
    const provider = await startProvider();
    const { tokens } = await tokensTrusting(provider);
    const old = await provider.sign({ exp: Math.floor(Date.now() / 1000) + 86_400 });
    expect(await outcomeOf(tokens, old)).toEqual(ANN);
    await provider.rotate();
    expect(await outcomeOf(tokens, old)).toEqual(ANN);
    passTime(10 * 60_000 + 1_000);
    expect(await outcomeOf(tokens, old)).toBe(401);
  });

  describe('should answer 503 with Retry-After, after asking once, when the keys', () => {
    it.each<[string, (provider: IdentityProvider) => unknown]>([
      ['cannot be reached', (provider) => provider.stop()],
      ['do not come', (provider) => (provider.answer = () => undefined)],
      [
        'come in part',
        (provider) =>
          (provider.answer = (response) => {
            response.writeHead(200);
            response.write('{"keys": [');
          }),
      ],
      ['are a 500', (provider) => (provider.answer = (response) => response.writeHead(500).end('{"keys": []}'))],
      [
        'are elsewhere',
        (provider) => (provider.answer = (response) => response.writeHead(302, { location: '/other' }).end()),
      ],
      ['are no JSON', (provider) => (provider.answer = (response) => response.end('<html>'))],
      ['are no JWKS', (provider) => (provider.answer = (response) => response.end('{"keys": 1}'))],
    ])('%s, and take the token when they are back', async (_, breakIt) => {
      const provider = await startProvider();
      const { tokens } = await tokensTrusting(provider);
      const token = await provider.sign();
      await breakIt(provider);
      const failure = await tokens.verify(token).catch((error: unknown) => error);
      expect(provider.requests).toBeLessThanOrEqual(1);
      expect(failure).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
      await provider.stop();
      provider.answerAsItShould();
      await provider.listen();
      expect(await outcomeOf(tokens, token)).toEqual(ANN);
    });
  });

  it('should answer 503 while the JWKS holds a damaged key, for 10 minutes at most', async () => {
    const provider = await startProvider();
    const { tokens } = await tokensTrusting(provider);
    provider.answer = (response, keys) => response.end(JSON.stringify({ keys: [{ ...keys[0], x: '!' }] }));
    const token = await provider.sign({ exp: Math.floor(Date.now() / 1000) + 86_400 });
    expect(await outcomeOf(tokens, token)).toBe(503);
    provider.answerAsItShould();
    passTime(10 * 60_000 + 1_000);
    expect(await outcomeOf(tokens, token)).toEqual(ANN);
  });

  it('should keep taking remembered tokens while the issuer is away', async () => {
    const provider = await startProvider();
    const { tokens } = await tokensTrusting(provider);
    const token = await provider.sign();
    expect(await outcomeOf(tokens, token)).toEqual(ANN);
    await provider.stop();
    expect(await outcomeOf(tokens, token)).toEqual(ANN);
    expect(await outcomeOf(tokens, await provider.sign({ sub: 'bob' }))).toMatchObject({ userId: 'bob' });
  });

  it('should tell the operator of the outage once in a while, not once a request', async () => {
    const errors = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const provider = await startProvider();
    const { tokens } = await tokensTrusting(provider);
    await provider.stop();
    for (let index = 0; index < 5; index++) {
      expect(await outcomeOf(tokens, await provider.sign())).toBe(503);
    }
    expect(errors.mock.calls).toEqual([[expect.stringMatching(/OIDC_JWKS_URL cannot be fetched \(ECONNREFUSED\)/)]]);
  });
});
