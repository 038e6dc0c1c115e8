import { eq } from 'drizzle-orm';
import { CONTROL_PLANES, type ControlPlaneFixture } from '../../test/support/control-planes.js';
import { controlPlaneServices } from '../../test/support/control-plane.services.js';
import type { ControlPlaneDatabase } from './control-plane.database.js';
import { openControlPlane } from './open-control-plane.js';
import type { RefreshTokens } from './refresh-tokens.service.js';
import { users as table } from './schema.js';
import { TenantError } from './tenant.js';
import type { User } from './user.js';
import type { Users } from './users.service.js';

const PASSWORD = 'correct horse';

describe.each(CONTROL_PLANES)('Users on %s', (_, start) => {
  let fixture: ControlPlaneFixture;
  let database: ControlPlaneDatabase;
  let users: Users;
  let refreshTokens: RefreshTokens;
  let created = 0;

  beforeAll(async () => {
    fixture = await start();
    database = await openControlPlane(fixture.settings);
    const services = controlPlaneServices(database);
    ({ users, refreshTokens } = services);
    await services.tenants.create({ slug: 'acme', name: 'Acme', plan: 'free' });
    await services.tenants.create({ slug: 'shop', name: 'Shop', plan: 'free' });
  });

  afterAll(async () => {
    await database.onApplicationShutdown();
    await fixture.stop();
  });

  const createUser = (email = `user-${++created}@example.com`): Promise<User> =>
    users.create({ tenantId: 'acme', email, password: PASSWORD });

  const logIn = async ({ email }: User): Promise<string> =>
    (await refreshTokens.start((await users.authenticate(email, PASSWORD))!))!;

  it('should authenticate a user by address and password alone', async () => {
    const { id, email } = await createUser();
    expect(await users.authenticate(email, PASSWORD)).toMatchObject({ id, tenantId: 'acme' });
    expect(await users.authenticate(email, 'another horse')).toBeUndefined();
    expect(await users.authenticate('nobody@example.com', PASSWORD)).toBeUndefined();
  });

  it('should not tell addresses apart by case or surrounding blanks', async () => {
    const { id, email } = await createUser('  Ann.Example@Example.COM\n');
    expect(email).toBe('ann.example@example.com');
    expect(await users.authenticate(' ANN.example@example.com ', PASSWORD)).toMatchObject({ id });
    await expect(createUser('ANN.EXAMPLE@example.com')).rejects.toThrow(/There is a user "ann\.example@example\.com"/);
  });

  it('should refuse an address that another tenant’s user has', async () => {
    const { email } = await createUser();
    await expect(users.create({ tenantId: 'shop', email, password: PASSWORD })).rejects.toThrow(TenantError);
  });

  it('should let one of two requests for an address have it', async () => {
    const results = await Promise.allSettled([createUser('twice@example.com'), createUser('twice@example.com')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it.each([
    '',
    'ann',
    '@example.com',
    'ann@',
    'a@b@c',
    'a b@example.com',
    'a\u0000@example.com',
    `${'a'.repeat(251)}@b.c`,
  ])('should refuse the address %j, and know no such user', async (email) => {
    await expect(createUser(email)).rejects.toThrow(/^An email address has a name/);
    expect(await users.authenticate(email, PASSWORD)).toBeUndefined();
  });

  it('should refuse a tenant that does not exist, and a bad password', async () => {
    const email = 'late@example.com';
    await expect(users.create({ tenantId: 'nobody', email, password: PASSWORD })).rejects.toThrow(TenantError);
    await expect(users.create({ tenantId: 'acme', email, password: 'short' })).rejects.toThrow(TenantError);
    expect(await users.authenticate(email, 'short')).toBeUndefined();
  });

  it('should store no password', async () => {
    const { id } = await createUser();
    const [row] = await database.db.select().from(table).where(eq(table.id, id));
    expect(row?.passwordHash).toMatch(/^\$argon2id\$/);
    expect(JSON.stringify(row)).not.toContain(PASSWORD);
  });

  it('should list the users of a tenant and of no other, without their hashes', async () => {
    for (const email of ['b@shop.example', 'a@shop.example']) {
      await users.create({ tenantId: 'shop', email, password: PASSWORD });
    }
    const expected = { id: expect.any(String), tenantId: 'shop', createdAt: expect.any(Date) };
    expect(await users.list('shop')).toEqual([
      { ...expected, email: 'a@shop.example' },
      { ...expected, email: 'b@shop.example' },
    ]);
    expect(await users.list('nobody')).toEqual([]);
  });

  it('should replace a password and end the user’s logins, and nobody else’s', async () => {
    const user = await createUser();
    const other = await createUser();
    const [token, otherToken] = [await logIn(user), await logIn(other)];
    await users.setPassword(user.email.toUpperCase(), 'a new password');
    expect(await users.authenticate(user.email, PASSWORD)).toBeUndefined();
    expect(await users.authenticate(user.email, 'a new password')).toMatchObject({ id: user.id });
    expect(await refreshTokens.use(token)).toBeUndefined();
    expect(await refreshTokens.use(otherToken)).toBeDefined();
  });

  it('should begin no login with a password that was replaced since it was checked', async () => {
    const user = await createUser();
    const authenticated = (await users.authenticate(user.email, PASSWORD))!;
    await users.setPassword(user.email, 'a new password');
    expect(await refreshTokens.start(authenticated)).toBeUndefined();
  });

  it('should remove a user and end the user’s logins', async () => {
    const user = await createUser();
    const token = await logIn(user);
    const authenticated = (await users.authenticate(user.email, PASSWORD))!;
    await users.remove(user.email.toUpperCase());
    expect(await users.authenticate(user.email, PASSWORD)).toBeUndefined();
    expect(await refreshTokens.use(token)).toBeUndefined();
    expect(await refreshTokens.start(authenticated)).toBeUndefined();
  });

  it('should know from memory what access tokens are held to, until it changes, on every instance', async () => {
    const other = controlPlaneServices(database).users;
    const { id, email } = await createUser();
    const before = await users.findState(id);
    expect(before).toEqual({ tenantId: 'acme', passwordVersion: expect.any(String) });
    expect(await other.findState(id)).toEqual(before);
    const select = jest.spyOn(database.db, 'select');
    await Promise.all([users.findState(id), other.findState(id)]);
    expect(select).not.toHaveBeenCalled();
    select.mockRestore();

    await users.setPassword(email, 'a new password');
    const after = await users.findState(id);
    expect(after?.passwordVersion).not.toBe(before?.passwordVersion);
    expect(await other.findState(id)).toEqual(after);
    await other.remove(email);
    expect(await users.findState(id)).toBeUndefined();
    expect(await other.findState(id)).toBeUndefined();
  });

  it('should say so when there is no user to change', async () => {
    await expect(users.setPassword('nobody@example.com', PASSWORD)).rejects.toThrow('no user "nobody@example.com"');
    await expect(users.remove('nobody@example.com')).rejects.toThrow(TenantError);
  });
});
