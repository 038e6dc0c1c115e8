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

  const start = async (): Promise<string> => (await refreshTokens.start(user))!.refreshToken;
  const exchange = async (token: string): Promise<string | undefined> =>
    (await refreshTokens.exchange(token))?.refreshToken;
  const rowOf = async (token: string) => {
    const [row] = await database.db
      .select()
      .from(table)
      .where(eq(table.tokenHash, hash('sha256', token)));
    return row;
  };
  const expire = (token: string) =>
    database.db
      .update(table)
      .set({ expiresAt: sql`now() - interval '1 second'` })
      .where(eq(table.tokenHash, hash('sha256', token)));

  it('should exchange a token for its user and the next token, again and again', async () => {
    let token = await start();
    for (let i = 0; i < 3; i++) {
      expect(token).toMatch(/^rt_[\w-]{43}$/);
      const login = await refreshTokens.exchange(token);
      expect(login).toEqual({ user: { id: user.id, tenantId: 'acme' }, refreshToken: expect.any(String) });
      expect(login?.refreshToken).not.toBe(token);
      token = login!.refreshToken;
    }
  });

  it('should store no token, and each for 30 days', async () => {
    const token = await start();
    const row = await rowOf(token);
    expect(JSON.stringify(row)).not.toContain(token.slice(3));
    expect(row!.expiresAt.getTime() - row!.createdAt.getTime()).toBe(30 * 24 * 60 * 60 * 1000);
  });

  it('should end a login whose token comes a second time, and no other login', async () => {
    const [first, untouched] = [await start(), await start()];
    const second = (await exchange(first))!;
    const third = (await exchange(second))!;
    expect(await exchange(first)).toBeUndefined();
    expect(await exchange(third)).toBeUndefined();
    expect(await rowOf(third)).toBeUndefined();
    expect(await exchange(untouched)).toBeDefined();
  });

  it('should let one of many exchanges at the same moment succeed, and end the login', async () => {
    for (let round = 0; round < 5; round++) {
      const token = await start();
      const logins = await Promise.all(
        Array.from({ length: 8 }, (__, i) => (i % 2 === 0 ? refreshTokens : other).exchange(token)),
      );
      const winners = logins.filter((login) => login !== undefined);
      expect(winners).toHaveLength(1);
      expect(await exchange(winners[0]!.refreshToken)).toBeUndefined();
    }
  });

  it('should leave no token of a login that is ended while the next one is made', async () => {
    for (let round = 0; round < 10; round++) {
      const first = await start();
      const second = (await exchange(first))!;
      const [login] = await Promise.all([
        refreshTokens.exchange(second),
        round % 2 === 0 ? other.revoke(first) : other.exchange(first),
      ]);
      expect(login === undefined ? undefined : await exchange(login.refreshToken)).toBeUndefined();
    }
  });

  it('should leave no token to a user whose password is set while the next one is made', async () => {
    await users.create({ tenantId: 'acme', email: 'racer@example.com', password: PASSWORD });
    for (let round = 0; round < 5; round++) {
      const password = round === 0 ? PASSWORD : `password ${round}`;
      const racer = (await users.authenticate('racer@example.com', password))!;
      const token = (await refreshTokens.start(racer))!.refreshToken;
      const change = users.setPassword('racer@example.com', `password ${round + 1}`);
      let last = token;
      // One exchange after the other, so that one of them meets the change.
      for (let next: string | undefined = token; next !== undefined; next = await exchange(last)) {
        last = next;
        // The embedded database leaves the event loop no time by itself.
        await setImmediate();
      }
      await change;
      expect(await exchange(last)).toBeUndefined();
    }
  });

  it('should refuse a token that has expired, and clear it away at the next login', async () => {
    const token = await start();
    await expire(token);
    expect(await exchange(token)).toBeUndefined();
    expect(await rowOf(token)).toBeDefined();
    await start();
    expect(await rowOf(token)).toBeUndefined();
  });

  it('should end the login that a token belongs to, also with one that was used, and no other', async () => {
    const [first, untouched] = [await start(), await start()];
    const second = (await exchange(first))!;
    await refreshTokens.revoke(first);
    expect(await exchange(second)).toBeUndefined();
    expect(await exchange(untouched)).toBeDefined();
    await refreshTokens.revoke(second);
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
    expect(await refreshTokens.exchange(token)).toBeUndefined();
    await refreshTokens.revoke(token);
  });
});
