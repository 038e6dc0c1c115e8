import { hash, randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { and, eq, gt, inArray, isNotNull, isNull, lt, type SQL, sql } from 'drizzle-orm';
import { ControlPlaneDatabase, type Database } from './control-plane.database.js';
import { inTransaction } from './in-transaction.js';
import { refreshTokens, users } from './schema.js';
import type { AuthenticatedUser, User } from './user.js';

/** 43 characters of base64url are 32 bytes; of the last one only every fourth occurs. */
const FORM = /^rt_[\w-]{42}[AEIMQUYcgkosw048]$/;
/** Expired tokens that one login clears away: many more than it adds, and few enough not to be felt. */
const MAX_CLEARED = 1_000;

/** Who is logged in, and the token with which the login goes on. */
export interface RefreshableLogin {
  readonly user: Pick<User, 'id' | 'tenantId'>;
  readonly refreshToken: string;
}

/**
 * What keeps users logged in: opaque tokens of 256 random bits, stored as SHA-256, each good for 30 days and for one
 * exchange. The tokens of one login are a family. A token that comes a second time was stolen or its successor was: nobody
 * can tell which of the two callers is the user, so the whole family ends and the user logs in again. Two exchanges of one
 * token at the same moment are that too, on whichever instances: one of them succeeds, and its new token ends with the
 * family. Clients therefore exchange a token once, and take turns when they share it.
 */
@Injectable()
export class RefreshTokens {
  private readonly db: Database;

  constructor({ db }: ControlPlaneDatabase) {
    this.db = db;
  }

  /** Begins a login. `undefined` when the user was removed or got another password since it was checked. */
  async start({ id, tenantId, passwordHash }: AuthenticatedUser): Promise<RefreshableLogin | undefined> {
    const refreshToken = generateToken();
    const started = await inTransaction(this.db, async (transaction) => {
      const [user] = await transaction
        .select({ id: users.id })
        .from(users)
        .where(and(eq(users.id, id), eq(users.passwordHash, passwordHash)))
        // A change of the password that is under way comes first, and the next one waits until the token is there.
        .for('share');
      if (user === undefined) {
        return false;
      }
      await transaction.insert(refreshTokens).values(toRow(refreshToken, id, randomUUID()));
      return true;
    });
    await this.clearExpired();
    return started ? { user: { id, tenantId }, refreshToken } : undefined;
  }

  /** Uses a token up and gives the next one of its login; `undefined` when it is not good (any more). */
  async exchange(token: string): Promise<RefreshableLogin | undefined> {
    return this.inTurn(token, async (transaction, isToken, user) => {
      const [used] = await transaction
        .update(refreshTokens)
        .set({ usedAt: sql`now()` })
        .where(and(isToken, isNull(refreshTokens.usedAt), gt(refreshTokens.expiresAt, sql`now()`)))
        .returning({ familyId: refreshTokens.familyId });
      if (used === undefined) {
        await endFamily(transaction, and(isToken, isNotNull(refreshTokens.usedAt)));
        return undefined;
      }
      const refreshToken = generateToken();
      await transaction.insert(refreshTokens).values(toRow(refreshToken, user.id, used.familyId));
      return { user, refreshToken };
    });
  }

  /** Ends the login that a token belongs to, if it belongs to one. */
  async revoke(token: string): Promise<void> {
    await this.inTurn(token, (transaction, isToken) => endFamily(transaction, isToken));
  }

  /**
   * Runs `work` while nothing else happens to the logins of the token's user: what ends a login or changes a password must
   * not miss a token that is being made. `undefined` for a token that is not stored.
   */
  private async inTurn<T>(
    token: string,
    work: (transaction: Database, isToken: SQL, user: RefreshableLogin['user']) => Promise<T>,
  ): Promise<T | undefined> {
    if (!FORM.test(token)) {
      return undefined;
    }
    const isToken = eq(refreshTokens.tokenHash, hashToken(token));
    return inTransaction(this.db, async (transaction) => {
      const [user] = await transaction
        .select({ id: users.id, tenantId: users.tenantSlug })
        .from(refreshTokens)
        .innerJoin(users, eq(users.id, refreshTokens.userId))
        .where(isToken)
        .for('no key update', { of: users });
      return user === undefined ? undefined : work(transaction, isToken, user);
    });
  }

  private async clearExpired(): Promise<void> {
    const expired = this.db
      .select({ tokenHash: refreshTokens.tokenHash })
      .from(refreshTokens)
      .where(lt(refreshTokens.expiresAt, sql`now()`))
      .limit(MAX_CLEARED)
      // Logins at the same moment clear different ones, instead of waiting for each other.
      .for('update', { skipLocked: true });
    await this.db.delete(refreshTokens).where(inArray(refreshTokens.tokenHash, expired));
  }
}

async function endFamily(db: Database, isMember: SQL | undefined): Promise<void> {
  const family = db.select({ familyId: refreshTokens.familyId }).from(refreshTokens).where(isMember);
  await db.delete(refreshTokens).where(inArray(refreshTokens.familyId, family));
}

function toRow(token: string, userId: string, familyId: string) {
  return { tokenHash: hashToken(token), userId, familyId, expiresAt: sql`now() + interval '30 days'` };
}

function generateToken(): string {
  return `rt_${randomBytes(32).toString('base64url')}`;
}

function hashToken(token: string): string {
  return hash('sha256', token);
}
