import { rmSync } from 'node:fs';
import { Controller, Get, Module } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { eq, sql } from 'drizzle-orm';
import { AllowedMethods, ApiExceptionFilter } from '../common/api-exception.filter.js';
import { ConfigModule, loadConfiguration } from '../config/load-configuration.js';
import { ApiKeys } from '../tenants/api-keys.service.js';
import { ControlPlaneDatabase } from '../tenants/control-plane.database.js';
import { ControlPlaneFilter } from '../tenants/control-plane.filter.js';
import { apiKeys } from '../tenants/schema.js';
import { Tenants } from '../tenants/tenants.service.js';
import { Accepts, CurrentPrincipal, type Principal } from './principal.js';
import { ApiKeyStrategy } from './credential.strategies.js';
import { AuthModule } from './auth.module.js';
import { freshDataDir } from '../../test/support/data-dir.js';

@Controller()
class WhoAmIController {
  @Get('whoami')
  @Accepts(['secret-key'])
  whoAmI(@CurrentPrincipal() principal: Principal): Principal {
    return principal;
  }
}

@Controller()
class ForgetfulController {
  @Get('open-by-oversight')
  answer(): string {
    return 'anything';
  }
}

@Module({ imports: [AuthModule], controllers: [WhoAmIController, ForgetfulController] })
class WhoAmIModule {}

describe('CredentialGuard', () => {
  let app: NestFastifyApplication;
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await freshDataDir();
    const configuration = loadConfiguration({
      DATA_DIR: dataDir,
      REDIS_URL: 'redis://127.0.0.1:1',
      CLICKHOUSE_URL: 'http://127.0.0.1:1',
    });
    const module = await Test.createTestingModule({
      imports: [ConfigModule.forRoot(configuration), WhoAmIModule],
    }).compile();
    app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
    const allowedMethods = new AllowedMethods(new FastifyAdapter().getInstance());
    app.useGlobalFilters(new ApiExceptionFilter(allowedMethods), new ControlPlaneFilter(allowedMethods));
    app.useLogger(false);
    await app.init();
    await app.get(Tenants).create({ slug: 'acme', name: 'Acme', plan: 'free' });
  });

  afterAll(async () => {
    await app.close();
    rmSync(dataDir, { recursive: true });
  });

  function createKey(type: 'secret' | 'public'): Promise<{ id: string; key: string }> {
    return app.get(ApiKeys).create({ tenantId: 'acme', name: 'server', type, mode: 'live' });
  }

  function request(authorization?: string): ReturnType<NestFastifyApplication['inject']> {
    return app.inject({ url: '/whoami', headers: authorization === undefined ? {} : { authorization } });
  }

  it.each(['ApiKey', 'apikey', 'APIKEY'])('should admit a secret key under the scheme %s', async (scheme) => {
    const { id, key } = await createKey('secret');
    const response = await request(`${scheme} ${key}`);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ kind: 'secret-key', tenantId: 'acme', apiKeyId: id });
  });

  it.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['a scheme alone', 'ApiKey'],
    ['another scheme', `Bearer sk_live_${'A'.repeat(43)}`],
    ['two keys', 'ApiKey sk_live_a sk_live_b'],
    ['a text that is no key', 'ApiKey hello'],
    ['a key that nobody has', `ApiKey sk_live_${'A'.repeat(43)}`],
    ['a public key that nobody has', `ApiKey pk_live_${'A'.repeat(43)}`],
  ])('should answer 401 to %s', async (_, authorization) => {
    const response = await request(authorization);
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toBe('ApiKey, Bearer');
    expect(response.json()).toEqual({ detail: expect.any(String) as string });
  });

  it('should answer 401 when the key was revoked', async () => {
    const { id, key } = await createKey('secret');
    const revocation = { revokedAt: new Date() };
    await app.get(ControlPlaneDatabase).db.update(apiKeys).set(revocation).where(eq(apiKeys.id, id));
    expect((await request(`ApiKey ${key}`)).statusCode).toBe(401);
  });

  it('should take a key that memory knows without asking Passport, and note that it was used', async () => {
    const { id, key } = await createKey('secret');
    await request(`ApiKey ${key}`);
    const validate = jest.spyOn(ApiKeyStrategy.prototype, 'validate');
    const select = jest.spyOn(app.get(ControlPlaneDatabase).db, 'select');
    const response = await request(`ApiKey ${key}`);
    const asked = [validate.mock.calls.length, select.mock.calls.length];
    validate.mockRestore();
    select.mockRestore();
    expect(response.json()).toEqual({ kind: 'secret-key', tenantId: 'acme', apiKeyId: id });
    expect(asked).toEqual([0, 0]);
  });

  it('should refuse a key that memory knows on its next use, when it was revoked', async () => {
    const { id, key } = await createKey('secret');
    expect((await request(`ApiKey ${key}`)).statusCode).toBe(200);
    await app.get(ApiKeys).revoke({ tenantId: 'acme', id });
    expect((await request(`ApiKey ${key}`)).statusCode).toBe(401);
  });

  it('should refuse every request to a route that does not say whom it accepts', async () => {
    const { key } = await createKey('secret');
    const response = await app.inject({ url: '/open-by-oversight', headers: { authorization: `ApiKey ${key}` } });
    expect(response.statusCode).toBe(500);
  });

  it('should answer 403 to a public key', async () => {
    const { key } = await createKey('public');
    const response = await request(`ApiKey ${key}`);
    expect(response.statusCode).toBe(403);
    expect(response.json()).toEqual({
      detail: 'A public key (ApiKey pk_…) cannot do this. Use a secret key (ApiKey sk_…).',
    });
  });

  it('should answer 503 with Retry-After, never 401, when the control plane fails', async () => {
    const { key } = await createKey('secret');
    const { db } = app.get(ControlPlaneDatabase);
    await db.execute(sql`ALTER TABLE api_keys RENAME TO api_keys_away`);
    try {
      const response = await request(`ApiKey ${key}`);
      expect(response.statusCode).toBe(503);
      expect(response.headers['retry-after']).toBe('2');
    } finally {
      await db.execute(sql`ALTER TABLE api_keys_away RENAME TO api_keys`);
    }
    expect((await request(`ApiKey ${key}`)).statusCode).toBe(200);
  });
});
