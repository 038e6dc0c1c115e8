import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import request from 'supertest';
import { SigningKeys } from '../../src/auth/tokens/signing-keys.js';
import { Tokens } from '../../src/auth/tokens/tokens.service.js';
import { ApiKeys } from '../../src/tenants/api-keys.service.js';
import { IdentityProvider } from '../support/identity.provider.js';
import { startService, type TestService, type TestTenant } from '../support/service.js';
import { BAD_TOKENS, TokenForge } from '../support/token.forge.js';
import { waitUntil } from '../support/wait-until.js';

const INVALID_TOKEN = 'ApiKey, Bearer error="invalid_token"';
const EVENT = { user_id: 'somebody', event_type: 'page_viewed' };

const privateKeyPem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

describe('JSON Web Tokens', () => {
  let provider: IdentityProvider;
  let service: TestService;
  let tenant: TestTenant;
  let publicKey: { id: string; key: string };
  let forge: TokenForge;

  beforeAll(async () => {
    provider = await IdentityProvider.start();
    service = await startService({
      JWT_PRIVATE_KEY: privateKeyPem.trim().replaceAll('\n', '\\n'),
      OIDC_JWKS_URL: provider.jwksUrl,
      OIDC_ISSUER: IdentityProvider.ISSUER,
      OIDC_AUDIENCE: IdentityProvider.AUDIENCE,
      OIDC_TENANT_CLAIM: 'https://example.com/tenant',
    });
    tenant = await service.createTenant();
    publicKey = await createKey('public');
    const claims = { sub: 'ann', tenant: tenant.tenantId, key: publicKey.id };
    forge = new TokenForge(service.app.get(SigningKeys), claims);
  });
  afterAll(async () => {
    await service.stop();
    await provider.stop();
  });

  const createKey = (type: 'public' | 'secret', tenantId = tenant.tenantId) =>
    service.app.get(ApiKeys).create({ tenantId, name: 'app', type, mode: 'test' });
  const openSession = async (apiKeyId = publicKey.id, tenantId = tenant.tenantId): Promise<string> =>
    (await service.app.get(Tokens).issueSessionToken({ tenantId, apiKeyId, uid: 'ann' })).token;
  const track = (token: string) =>
    request(service.url).post('/api/ingestion/track/').set('authorization', `Bearer ${token}`).send(EVENT);
  const readSchemas = (token: string) =>
    request(service.url).get('/api/schemas/').set('authorization', `Bearer ${token}`);

  it('should let a session send events of its own user', async () => {
    const another = await service.createTenant();
    const { id } = await createKey('public', another.tenantId);
    const answer = await track(await openSession(id, another.tenantId));
    expect({ status: answer.status, body: answer.body as unknown }).toEqual({ status: 202, body: { queued: true } });
    const [event] = await another.storedEvents(1);
    expect(event).toMatchObject({ tenant_id: another.tenantId, user_id: 'ann', event_type: 'page_viewed' });
  });

  it('should let a user’s access token read, in any case of the scheme', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER ']) {
      const call = request(service.url).get('/api/schemas/').set('authorization', `${scheme} ${tenant.userToken}`);
      expect((await call).status).toBe(200);
    }
  });

  it('should answer 403, and say what would do, to a session that reads and to a user that sends events', async () => {
    const session = await readSchemas(await openSession());
    expect({ status: session.status, body: session.body as unknown }).toEqual({
      status: 403,
      body: {
        detail: expect.stringMatching(
          /^A session’s token .* cannot do this\. Use a user’s access token .* or a secret key/,
        ),
      },
    });
    expect((await track(tenant.userToken)).status).toBe(403);
  });

  it('should take the forge’s token when nothing is wrong with it', async () => {
    expect((await track(await forge.sign())).status).toBe(202);
  });

  it.each(BAD_TOKENS)('should answer 401 on every route to a token with %s', async (_, forged) => {
    const token = await forged(forge);
    for (const answer of [await track(token), await readSchemas(token)]) {
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({ detail: expect.any(String) as string });
      expect(answer.headers['www-authenticate']).toMatch(/^ApiKey, Bearer( error="invalid_token")?$/);
    }
  });

  it('should tell clients of an expired token that another may do', async () => {
    const answer = await track(await forge.sign({ exp: 1 }));
    expect(answer.headers['www-authenticate']).toBe(INVALID_TOKEN);
    expect(answer.body).toEqual({ detail: 'This session has expired. Open another at /api/auth/session/.' });
  });

  it('should end a session with its public key', async () => {
    const { id } = await createKey('public');
    const token = await openSession(id);
    expect((await track(token)).status).toBe(202);
    await service.app.get(ApiKeys).revoke({ tenantId: tenant.tenantId, id });
    await waitUntil(async () => (await track(token)).status === 401);
    expect((await track(token)).body).toEqual({ detail: expect.stringMatching(/public key .* was revoked/) as string });
  });

  it('should answer 401 to a session of a key that is unknown, secret, or another tenant’s', async () => {
    const another = await service.createTenant();
    const keyIds = [
      '11111111-2222-4333-8444-555555555555',
      (await createKey('secret')).id,
      (await createKey('public', another.tenantId)).id,
    ];
    const statuses = await Promise.all(keyIds.map(async (id) => (await track(await openSession(id))).status));
    expect(statuses).toEqual([401, 401, 401]);
  });

  it('should answer 401 to an access token of a user who does not exist, or is another tenant’s', async () => {
    const another = await service.createTenant();
    const { sub, ver } = decodeJwt(another.userToken);
    const sign = (claims: object) =>
      forge.sign({ aud: 'segops:access', sub, ver, tenant: another.tenantId, ...claims });
    expect((await readSchemas(await sign({}))).status).toBe(200);
    for (const claims of [{ sub: randomUUID() }, { tenant: tenant.tenantId }, { ver: 'another' }, { sub: 'ann' }]) {
      const answer = await readSchemas(await sign(claims));
      expect({ status: answer.status, challenge: answer.headers['www-authenticate'] as string }).toEqual({
        status: 401,
        challenge: INVALID_TOKEN,
      });
    }
  });

  it.each(['/api/auth/jwks/', '/api/auth/jwks', '/.well-known/jwks.json'])(
    'should show its public key to everybody at %s',
    async (path) => {
      const answer = await request(service.url).get(path);
      expect(answer.status).toBe(200);
      expect(answer.headers['cache-control']).toBe('public, max-age=300');
      const { kid } = service.app.get(SigningKeys).current;
      const x = expect.stringMatching(/^[\w-]{43}$/) as string;
      expect(answer.body).toEqual({ keys: [{ kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' }] });
    },
  );

  describe('of another issuer', () => {
    const sign = (claims: Record<string, unknown> = {}) =>
      provider.sign({ 'https://example.com/tenant': tenant.tenantId, ...claims });

    it('should read what the claim’s tenant has', async () => {
      expect((await readSchemas(await sign())).status).toBe(200);
    });

    it.each([
      ['does not exist', 'nobody'],
      ['no slug can be', 'Tenant 1'],
      ['PostgreSQL cannot store', 'a\0b'],
      ['is very long', 'a'.repeat(5_000)],
      ['is missing', undefined],
    ])('should answer 401 when the tenant %s', async (_, slug) => {
      const answer = await readSchemas(await sign({ 'https://example.com/tenant': slug }));
      expect({ status: answer.status, challenge: answer.headers['www-authenticate'] as string }).toEqual({
        status: 401,
        challenge: INVALID_TOKEN,
      });
    });

    it('should never send events', async () => {
      const key = publicKey.id;
      expect((await track(await sign({ key }))).status).toBe(403);
      expect((await track(await sign({ key, aud: 'segops:session' }))).status).toBe(401);
      expect((await track(await sign({ key, aud: 'segops:session', iss: 'segops' }))).status).toBe(401);
    });

    it('should get 503 with Retry-After while the issuer’s keys cannot be fetched', async () => {
      const lonely = await IdentityProvider.start();
      const token = await lonely.sign({ tenant: tenant.tenantId });
      await lonely.stop();
      const other = await startService({
        ROLE: 'api',
        OIDC_JWKS_URL: lonely.jwksUrl,
        OIDC_ISSUER: IdentityProvider.ISSUER,
        OIDC_AUDIENCE: IdentityProvider.AUDIENCE,
      });
      const answer = await request(other.url).get('/api/schemas/').set('authorization', `Bearer ${token}`);
      const jwks = await request(other.url).get('/api/auth/jwks/');
      await other.stop();
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBe('2');
      // A secret signs here, and there is no public half of it.
      expect(jwks.body).toEqual({ keys: [] });
    });
  });
});
