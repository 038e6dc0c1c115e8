import { hash, randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { and, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import { ControlPlaneDatabase } from './control-plane.database.js';
import { refreshTokens, users } from './schema.js';
import { UnknownLimit } from './cached-lookup.js';
import type { AuthenticatedUser } from './user.js';

/** 43 characters of base64url are 32 bytes; of the last one only every fourth occurs. */
const FORM = /^rt_[\w-]{42}[AEIMQUYcgkosw048]$/;
/** Expired tokens that one login removes: many more than it adds, and few enough to be quick. */
const MAX_CLEARED = 1_000;

/**
 * Refresh tokens: 256 random bits, stored as SHA-256. A login has one, which stays good until 7 days after its last use and at
 * most 30 days after the login.
 */
@Injectable()
export class RefreshTokens {
  private readonly unknownLimit = new UnknownLimit();

  constructor(private readonly database: ControlPlaneDatabase) {}

  /** Starts a login. `undefined` when the user was removed or the password changed since it was checked. */
  async start({ id, passwordHash }: AuthenticatedUser): Promise<string | undefined> {
    const token = `rt_${randomBytes(32).toString('base64url')}`;
    const started = await this.database.transaction(async (transaction) => {
      const [user] = await transaction
        .select({ id: users.id })
        .from(users)
        .where(and(eq(users.id, id), eq(users.passwordHash, passwordHash)))
        // A password change in progress finishes first, and the next one waits until the token is there.
        .for('share');
      if (user === undefined) return false;
      await transaction.insert(refreshTokens).values({
        tokenHash: hashToken(token),
        userId: id,
        familyId: randomUUID(),
        expiresAt: sql`now() + interval '7 days'`,
      });
      return true;
    });
    await this.clearExpired();
    return started ? token : undefined;
  }

  /**
   * The user of the login, which the use prolongs; `undefined` when the token is not good.
   * @param address the client's
   * @throws ApiError 503 while too many unknown tokens come
   */
  async use(token: string, address?: string): Promise<AuthenticatedUser | undefined> {
    return FORM.test(token) ? this.unknownLimit.run(address, () => this.prolong(token)) : undefined;
  }

  /**
   * Ends the login of the token, if there is one.
   * @param address the client's
   * @throws ApiError 503 while too many unknown tokens come
   */
  async revoke(token: string, address?: string): Promise<void> {
    if (FORM.test(token)) await this.unknownLimit.run(address, () => this.end(token));
  }

  private async prolong(token: string): Promise<AuthenticatedUser | undefined> {
    const [user] = await this.database.db
      .update(refreshTokens)
      .set({ expiresAt: sql`least(now() + interval '7 days', ${refreshTokens.createdAt} + interval '30 days')` })
      .from(users)
      .where(
        and(
          eq(refreshTokens.tokenHash, hashToken(token)),
          gt(refreshTokens.expiresAt, sql`now()`),
          eq(users.id, refreshTokens.userId),
        ),
      )
      .returning({ id: users.id, tenantId: users.tenantSlug, passwordHash: users.passwordHash });
    return user;
  }

  /** @returns one of the removed tokens */
  private async end(token: string): Promise<object | undefined> {
    // Earlier builds rotated tokens and left several of one login.
    const family = this.database.db
      .select({ familyId: refreshTokens.familyId })
      .from(refreshTokens)
      .where(eq(refreshTokens.tokenHash, hashToken(token)));
    const [ended] = await this.database.db
      .delete(refreshTokens)
      .where(inArray(refreshTokens.familyId, family))
      .returning({ familyId: refreshTokens.familyId });
    return ended;
  }

  private async clearExpired(): Promise<void> {
    const expired = this.database.db
      .select({ tokenHash: refreshTokens.tokenHash })
      .from(refreshTokens)
      .where(lt(refreshTokens.expiresAt, sql`now()`))
      .limit(MAX_CLEARED)
      // Concurrent logins remove different ones instead of waiting for each other.
      .for('update', { skipLocked: true });
    await this.database.db.delete(refreshTokens).where(inArray(refreshTokens.tokenHash, expired));
  }
}

function hashToken(token: string): string {
  return hash('sha256', token);
}
