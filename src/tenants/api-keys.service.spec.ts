import { eq, sql } from 'drizzle-orm';
import { CONTROL_PLANES, type ControlPlaneFixture } from '../../test/support/control-planes.js';
import { controlPlaneServices } from '../../test/support/control-plane.services.js';
import { postgresIsInstalled, PostgresServer } from '../../test/support/postgres.server.js';
import { waitUntil } from '../../test/support/wait-until.js';
import type { ApiKeys } from './api-keys.service.js';
import { type ControlPlaneDatabase, ControlPlaneUnavailableError } from './control-plane.database.js';
import { openControlPlane } from './open-control-plane.js';
import { apiKeys as table } from './schema.js';

const UNKNOWN_KEY = `sk_live_${'A'.repeat(43)}`;

/** Stands unless a test moves it on, so that nothing which is remembered runs out by itself. */
let clockMs = performance.now();

beforeAll(() => {
  jest.spyOn(performance, 'now').mockImplementation(() => clockMs);
});

afterAll(() => {
  jest.restoreAllMocks();
});

function createKey(apiKeys: ApiKeys, name = 'server'): Promise<{ id: string; key: string }> {
  return apiKeys.create({ tenantId: 'acme', name, type: 'secret', mode: 'live' });
}

describe.each(CONTROL_PLANES)('ApiKeys on %s', (_, start) => {
  let fixture: ControlPlaneFixture;
  let database: ControlPlaneDatabase;
  let apiKeys: ApiKeys;

  beforeAll(async () => {
    fixture = await start();
    database = await openControlPlane(fixture.settings);
    await controlPlaneServices(database).tenants.create({ slug: 'acme', name: 'Acme', plan: 'free' });
  });

  beforeEach(() => {
    apiKeys = controlPlaneServices(database).apiKeys;
  });

  afterAll(async () => {
    await database.onApplicationShutdown();
    await fixture.stop();
  });

  it.each([
    ['secret', 'live', /^sk_live_[\w-]{43}$/],
    ['secret', 'test', /^sk_test_[\w-]{43}$/],
    ['public', 'live', /^pk_live_[\w-]{43}$/],
    ['public', 'test', /^pk_test_[\w-]{43}$/],
  ] as const)('should find a %s %s key by its text', async (type, mode, form) => {
    const { id, key } = await apiKeys.create({ tenantId: 'acme', name: 'server', type, mode });
    expect(key).toMatch(form);
    expect(await apiKeys.find(key)).toMatchObject({ id, tenantId: 'acme', type });
  });

  it('should store no more of a key than its hash, prefix and last four characters', async () => {
    const { id, key } = await createKey(apiKeys);
    const [row] = await database.db.select().from(table).where(eq(table.id, id));
    expect(row).toMatchObject({ prefix: 'sk_live_', lastFour: key.slice(-4) });
    expect(JSON.stringify(row)).not.toContain(key.slice(8, -4));
  });

  it('should refuse a key for a tenant that does not exist', async () => {
    const request = { tenantId: 'nobody', name: 'server', type: 'secret', mode: 'live' } as const;
    await expect(apiKeys.create(request)).rejects.toThrow('There is no tenant "nobody".');
  });

  it('should refuse a blank name', async () => {
    for (const name of [' ', '\u200b\u3164']) {
      await expect(createKey(apiKeys, name)).rejects.toThrow("A key's name must not be blank.");
    }
  });

  it('should find nothing for a key with one character changed', async () => {
    const { key } = await createKey(apiKeys);
    const changed = key.slice(0, 8) + (key[8] === '-' ? 'A' : '-') + key.slice(9);
    expect(await apiKeys.find(changed)).toBeUndefined();
    expect(await apiKeys.find(key.replace('sk_live', 'sk_test'))).toBeUndefined();
  });

  it.each(['', 'sk_live_', 'x'.repeat(51), `sk_prod_${'A'.repeat(43)}`, `${UNKNOWN_KEY}A`, `${UNKNOWN_KEY}\n`])(
    'should not ask the database about %p',
    async (text) => {
      const select = jest.spyOn(database.db, 'select');
      expect(await apiKeys.find(text)).toBeUndefined();
      expect(select).not.toHaveBeenCalled();
      select.mockRestore();
    },
  );

  it('should ask the database once for concurrent and repeated requests, known key or not', async () => {
    const { key } = await createKey(apiKeys);
    const select = jest.spyOn(database.db, 'select');
    const found = await Promise.all(Array.from({ length: 20 }, () => apiKeys.find(key)));
    expect(new Set(found).size).toBe(1);
    await apiKeys.find(key);
    expect(select).toHaveBeenCalledTimes(1);
    await Promise.all(Array.from({ length: 20 }, () => apiKeys.find(UNKNOWN_KEY)));
    await apiKeys.find(UNKNOWN_KEY);
    expect(select).toHaveBeenCalledTimes(2);
    select.mockRestore();
  });

  it('should list the keys of a tenant and of no other, without their text', async () => {
    await controlPlaneServices(database).tenants.create({ slug: 'lister', name: 'Lister', plan: 'free' });
    const { id, key } = await apiKeys.create({ tenantId: 'lister', name: 'app', type: 'public', mode: 'test' });
    const keys = await apiKeys.list('lister');
    expect(keys).toEqual([
      {
        id,
        name: 'app',
        type: 'public',
        prefix: 'pk_test_',
        lastFour: key.slice(-4),
        allowedOrigins: [],
        requireSignedUserId: false,
        createdAt: expect.any(Date),
        lastUsedAt: null,
        revokedAt: null,
      },
    ]);
    await apiKeys.revoke({ tenantId: 'lister', id });
    expect(await apiKeys.list('lister')).toMatchObject([{ id, revokedAt: expect.any(Date) }]);
  });

  it('should not find a key from its revocation on, though it was in use', async () => {
    const { id, key } = await createKey(apiKeys);
    expect(await apiKeys.find(key)).toBeDefined();
    await apiKeys.revoke({ tenantId: 'acme', id });
    expect(await apiKeys.find(key)).toBeUndefined();
  });

  it('should hear of a revocation by another instance', async () => {
    const other = controlPlaneServices(database).apiKeys;
    const { id, key } = await createKey(apiKeys);
    expect(await apiKeys.find(key)).toBeDefined();
    await other.revoke({ tenantId: 'acme', id });
    await waitUntil(async () => (await apiKeys.find(key)) === undefined);
  });

  it('should not keep an answer that was asked for before a revocation was heard of', async () => {
    const { id, key } = await createKey(apiKeys);
    const asked = apiKeys.find(key);
    await apiKeys.revoke({ tenantId: 'acme', id });
    await asked;
    expect(await apiKeys.find(key)).toBeUndefined();
  });

  it('should refuse to revoke what the tenant does not have', async () => {
    const { id } = await createKey(apiKeys);
    await apiKeys.revoke({ tenantId: 'acme', id });
    for (const request of [
      { tenantId: 'acme', id },
      { tenantId: 'acme', id: 'no-uuid' },
      { tenantId: 'somebody-else', id: (await createKey(apiKeys)).id },
    ]) {
      await expect(apiKeys.revoke(request)).rejects.toThrow(/has no valid key with the id/);
    }
  });

  it('should find a revoked key no longer than 5 s when nothing was heard of it', async () => {
    const { id, key } = await createKey(apiKeys);
    expect(await apiKeys.find(key)).toBeDefined();
    await database.db.update(table).set({ revokedAt: new Date() }).where(eq(table.id, id));
    clockMs += 5_001;
    expect(await apiKeys.find(key)).toBeUndefined();
  });
});

(postgresIsInstalled ? describe : describe.skip)('ApiKeys while PostgreSQL is down, or tells nothing', () => {
  let server: PostgresServer;
  let database: ControlPlaneDatabase;
  let apiKeys: ApiKeys;

  beforeAll(async () => {
    server = await PostgresServer.start();
    database = await openControlPlane({ databaseUrl: server.url, dataDir: '/nowhere' });
    ({ apiKeys } = controlPlaneServices(database));
    await controlPlaneServices(database).tenants.create({ slug: 'acme', name: 'Acme', plan: 'free' });
  });

  afterAll(async () => {
    await database.onApplicationShutdown();
    await server.stop();
  });

  it('should refuse a revoked key on its next use also while no changes are heard', async () => {
    const { id, key } = await createKey(apiKeys);
    expect(await apiKeys.find(key)).toBeDefined();
    expect(await apiKeys.find(UNKNOWN_KEY)).toBeUndefined();
    await database.db.execute(
      sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND pid <> pg_backend_pid()`,
    );
    await controlPlaneServices(database).apiKeys.revoke({ tenantId: 'acme', id });
    expect(await apiKeys.find(key)).toBeUndefined();
    // It is heard again within a second or two, and then answers come from memory as before.
    const other = await createKey(apiKeys);
    await waitUntil(async () => {
      await apiKeys.find(other.key);
      const select = jest.spyOn(database.db, 'select');
      await apiKeys.find(other.key);
      const { length } = select.mock.calls;
      select.mockRestore();
      return length === 0;
    });
  });

  it('should keep keys in use for 5 minutes, fail for all others, and recover by itself', async () => {
    const { key } = await createKey(apiKeys);
    const other = await createKey(apiKeys);
    await apiKeys.find(key);
    await server.pause();

    expect(await apiKeys.find(key)).toBeDefined();
    clockMs += 60_000;
    expect(await apiKeys.find(key)).toBeDefined();
    await expect(apiKeys.find(other.key)).rejects.toThrow(ControlPlaneUnavailableError);
    await expect(apiKeys.find(UNKNOWN_KEY)).rejects.toThrow(/gave no answer \(ECONNREFUSED\)/);

    clockMs += 4 * 60_000 + 1;
    await expect(apiKeys.find(key)).rejects.toThrow(ControlPlaneUnavailableError);

    await server.resume();
    expect(await apiKeys.find(key)).toBeDefined();
    expect(await apiKeys.find(UNKNOWN_KEY)).toBeUndefined();

    // The connection on which revocations are heard is back as well, or will be.
    expect(await apiKeys.find(other.key)).toBeDefined();
    await controlPlaneServices(database).apiKeys.revoke({ tenantId: 'acme', id: other.id });
    await waitUntil(async () => (await apiKeys.find(other.key)) === undefined);
  });
});
