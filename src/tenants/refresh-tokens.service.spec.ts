import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { eq, sql } from 'drizzle-orm';
import { CONTROL_PLANES, type ControlPlaneFixture } from '../../test/support/control-planes.js';
import { controlPlaneServices } from '../../test/support/control-plane.services.js';
import type { ControlPlaneDatabase } from './control-plane.database.js';
import { openControlPlane } from './open-control-plane.js';
import type { RefreshTokens } from './refresh-tokens.service.js';
import { refreshTokens as table } from './schema.js';
import type { AuthenticatedUser } from './user.js';
import type { Users } from './users.service.js';

const PASSWORD = 'correct horse';
const DAY_MS = 24 * 60 * 60 * 1000;

describe.each(CONTROL_PLANES)('RefreshTokens on %s', (_, startControlPlane) => {
  let fixture: ControlPlaneFixture;
  let database: ControlPlaneDatabase;
  let users: Users;
  let refreshTokens: RefreshTokens;
  let other: RefreshTokens;
  let user: AuthenticatedUser;

  beforeAll(async () => {
    fixture = await startControlPlane();
    database = await openControlPlane(fixture.settings);
    const services = controlPlaneServices(database);
    ({ users, refreshTokens } = services);
    other = controlPlaneServices(database).refreshTokens;
    await services.tenants.create({ slug: 'acme', name: 'Acme', plan: 'free' });
    await users.create({ tenantId: 'acme', email: 'ann@example.com', password: PASSWORD });
    user = (await users.authenticate('ann@example.com', PASSWORD))!;
  });

  afterAll(async () => {
    await database.onApplicationShutdown();
    await fixture.stop();
  });

  const start = async (): Promise<string> => (await refreshTokens.start(user))!;
  const isToken = (token: string) => eq(table.tokenHash, hash('sha256', token));
  const rowOf = async (token: string) => (await database.db.select().from(table).where(isToken(token)))[0];
  const daysLeft = async (token: string) => ((await rowOf(token))!.expiresAt.getTime() - Date.now()) / DAY_MS;
  /** Moves the token's past by so many days. */
  const age = (token: string, { login = 0, use = 0 }: { login?: number; use?: number }) =>
    database.db
      .update(table)
      .set({
        createdAt: sql`${table.createdAt} - ${`${login} days`}::interval`,
        expiresAt: sql`${table.expiresAt} - ${`${use} days`}::interval`,
      })
      .where(isToken(token));

  it('should take the same token again and again, on every instance', async () => {
    const token = await start();
    expect(token).toMatch(/^rt_[\w-]{43}$/);
    for (let i = 0; i < 3; i++) {
      expect(await refreshTokens.use(token)).toEqual(user);
      expect(await other.use(token)).toEqual(user);
    }
  });

  it('should take a token that comes many times at the same moment', async () => {
    const token = await start();
    const uses = Array.from({ length: 8 }, (__, i) => (i % 2 === 0 ? refreshTokens : other).use(token));
    expect(await Promise.all(uses)).toEqual(uses.map(() => user));
    expect(await refreshTokens.use(token)).toEqual(user);
  });

  it('should store no token, and each for 7 days', async () => {
    const token = await start();
    expect(JSON.stringify(await rowOf(token))).not.toContain(token.slice(3));
    expect(await daysLeft(token)).toBeCloseTo(7, 2);
  });

  it('should take a token within 7 days of its last use, and within 30 of the login', async () => {
    const token = await start();
    await age(token, { login: 6, use: 6 });
    expect(await refreshTokens.use(token)).toEqual(user);
    expect(await daysLeft(token)).toBeCloseTo(7, 2);
    await age(token, { login: 20 });
    expect(await refreshTokens.use(token)).toEqual(user);
    expect(await daysLeft(token)).toBeCloseTo(4, 2);
    await age(token, { login: 4, use: 4.001 });
    expect(await refreshTokens.use(token)).toBeUndefined();
  });

  it('should refuse a token after 7 days without use, and clear it away at the next login', async () => {
    const token = await start();
    await age(token, { login: 7.001, use: 7.001 });
    expect(await refreshTokens.use(token)).toBeUndefined();
    expect(await rowOf(token)).toBeDefined();
    await start();
    expect(await rowOf(token)).toBeUndefined();
  });

  it('should take every token of a login that a build left which rotated them, and end all of them together', async () => {
    const [token, next] = [await start(), await start()];
    const { familyId } = (await rowOf(token))!;
    await database.db.update(table).set({ familyId }).where(isToken(next));
    await database.db
      .update(table)
      .set({ usedAt: sql`now()` })
      .where(isToken(token));
    expect(await refreshTokens.use(token)).toEqual(user);
    expect(await refreshTokens.use(next)).toEqual(user);
    await refreshTokens.revoke(token);
    expect(await refreshTokens.use(next)).toBeUndefined();
  });

  it('should leave no token to a user whose password is set while it is used', async () => {
    await users.create({ tenantId: 'acme', email: 'racer@example.com', password: PASSWORD });
    for (let round = 0; round < 5; round++) {
      const password = round === 0 ? PASSWORD : `password ${round}`;
      const racer = (await users.authenticate('racer@example.com', password))!;
      const token = (await refreshTokens.start(racer))!;
      const change = users.setPassword('racer@example.com', `password ${round + 1}`);
      // One use after the other, so that one of them meets the change.
      while ((await refreshTokens.use(token)) !== undefined) {
        // The embedded database leaves the event loop no time by itself.
        await setImmediate();
      }
      await change;
      expect(await rowOf(token)).toBeUndefined();
    }
  });

  it('should end the login that a token belongs to, and no other', async () => {
    const [token, untouched] = [await start(), await start()];
    await refreshTokens.revoke(token);
    expect(await other.use(token)).toBeUndefined();
    expect(await refreshTokens.use(untouched)).toEqual(user);
  });

  it.each([
    '',
    'rt_',
    `rt_${'A'.repeat(42)}`,
    `rt_${'A'.repeat(43)}`,
    `rt_${'A'.repeat(43)}\n`,
    'rt_\u0000',
    "rt_' OR 1=1 --",
  ])('should refuse %j, and have nothing to end for it', async (token) => {
    expect(await refreshTokens.use(token)).toBeUndefined();
    await refreshTokens.revoke(token);
  });
});
