import { isNotNull, sql } from 'drizzle-orm';
import { controlPlaneServices } from '../../test/support/control-plane.services.js';
import { CONTROL_PLANES, type ControlPlaneFixture } from '../../test/support/control-planes.js';
import { Configuration } from '../config/configuration.js';
import { ShopifyAccounts } from '../shopify/settings/shopify-accounts.service.js';
import type { ControlPlaneDatabase } from './control-plane.database.js';
import { openControlPlane } from './open-control-plane.js';
import { apiKeys, shopifySecrets } from './schema.js';
import { SecretBox } from './secret.box.js';
import { StoredSecrets } from './stored-secrets.js';
import { ApiKeys } from './api-keys.service.js';

const [OLD, CURRENT, OTHER] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string];

describe.each(CONTROL_PLANES)('StoredSecrets on %s', (_, start) => {
  let fixture: ControlPlaneFixture;
  let database: ControlPlaneDatabase;

  beforeAll(async () => {
    fixture = await start();
    database = await openControlPlane(fixture.settings);
  });
  beforeEach(async () => {
    await database.db.execute(sql`TRUNCATE tenants CASCADE`);
    const { tenants } = controlPlaneServices(database);
    await tenants.create({ slug: 'acme', name: 'Acme', plan: 'free' });
  });
  afterAll(async () => {
    await database.onApplicationShutdown();
    await fixture.stop();
  });

  /** One more instance, with these keys. */
  const instance = (...keys: string[]) => {
    const { changes, tenants, usage } = controlPlaneServices(database);
    const box = new SecretBox(Object.assign(new Configuration(), { encryptionKey: keys.join(',') }));
    return {
      box,
      secrets: new StoredSecrets(database, box),
      apiKeys: new ApiKeys(database, changes, tenants, box, usage),
      shopify: new ShopifyAccounts(database, changes, box),
    };
  };
  const publicKey = { tenantId: 'acme', name: 'web', type: 'public', mode: 'live' } as const;
  const keyIds = async () => {
    const rows = [
      ...(await database.db.select({ text: apiKeys.hmacSecret }).from(apiKeys).where(isNotNull(apiKeys.hmacSecret))),
      ...(await database.db.select({ text: shopifySecrets.secret }).from(shopifySecrets)),
    ];
    return rows.map(({ text }) => text!.split('.')[0]);
  };

  it('should be content with any keys while nothing is stored, and then with those that can read it', async () => {
    await instance(OTHER).secrets.requireKeys();
    await instance(OLD).shopify.change('acme', { secrets: ['shhh'] });
    await instance(OLD).secrets.requireKeys();
    await instance(CURRENT, OLD).secrets.requireKeys();
  });

  it.each([
    ['Shopify', () => instance(OLD).shopify.change('acme', { secrets: ['shhh'] })],
    ['a public key', () => instance(OLD).apiKeys.create(publicKey)],
  ])('should refuse keys that cannot read a secret of %s, and name the one that is missing', async (_kind, store) => {
    await store();
    const { id } = instance(OLD).box.keys[0];
    await expect(instance(CURRENT, OTHER).secrets.requireKeys()).rejects.toThrow(
      `Stored secrets are encrypted with the key ${id}, which is neither in ENCRYPTION_KEY`,
    );
  });

  it('should not ask for the key of a secret that nobody can use any more', async () => {
    const { id } = await instance(OLD).apiKeys.create(publicKey);
    await instance(OLD).apiKeys.revoke({ tenantId: 'acme', id });
    await instance(CURRENT).secrets.requireKeys();
    expect(await instance(CURRENT).secrets.reEncrypt()).toEqual({ reEncrypted: 0, left: [] });
    expect(await keyIds()).toEqual([]);
  });

  it('should re-encrypt everything, so that the old key can go', async () => {
    const { key, hmacSecret } = await instance(OLD).apiKeys.create(publicKey);
    await instance(OLD).shopify.change('acme', { secrets: ['shhh-1', 'shhh-2'] });

    expect(await instance(CURRENT, OLD).secrets.reEncrypt()).toEqual({ reEncrypted: 3, left: [] });
    expect(await instance(CURRENT, OLD).secrets.reEncrypt()).toEqual({ reEncrypted: 0, left: [] });

    const after = instance(CURRENT);
    await after.secrets.requireKeys();
    const found = await after.apiKeys.find(key);
    expect(after.apiKeys.hmacSecretOf(found!)).toBe(hmacSecret);
    expect((await after.shopify.of('acme'))?.secrets).toEqual(['shhh-1', 'shhh-2']);
    expect(new Set(await keyIds())).toEqual(new Set([after.box.keys[0].id]));
  });

  it('should change a secret once when several do it at once', async () => {
    const secrets = ['shhh-1', 'shhh-2', 'shhh-3'];
    await instance(OLD).shopify.change('acme', { secrets });
    const runs = await Promise.all([1, 2].map(() => instance(CURRENT, OLD).secrets.reEncrypt()));
    expect(runs.map(({ reEncrypted }) => reEncrypted).reduce((a, b) => a + b)).toBe(secrets.length);
    expect((await instance(CURRENT).shopify.of('acme'))?.secrets).toEqual(secrets);
  });

  it('should tell whose secrets are left when their key is lost', async () => {
    await instance(OTHER).shopify.change('acme', { secrets: ['lost'] });
    await instance(OLD).apiKeys.create(publicKey);
    expect(await instance(CURRENT, OLD).secrets.reEncrypt()).toEqual({
      reEncrypted: 1,
      left: ['tenant acme, Shopify'],
    });
    expect(await instance(CURRENT).secrets.reEncrypt()).toEqual({ reEncrypted: 0, left: ['tenant acme, Shopify'] });
    await instance(CURRENT).shopify.change('acme', { secrets: ['new'] });
    expect(await instance(CURRENT).secrets.reEncrypt()).toEqual({ reEncrypted: 0, left: [] });
  });
});
