import { Injectable } from '@nestjs/common';
import { asc, eq } from 'drizzle-orm';
import { CachedLookup } from './cached-lookup.js';
import { ControlPlaneChanges } from './control-plane.changes.js';
import { ControlPlaneDatabase } from './control-plane.database.js';
import {
  type AuthenticatedUser,
  hasEmailForm,
  MAX_EMAIL_LENGTH,
  normalizeEmail,
  passwordVersion,
  type User,
  type UserState,
} from './user.js';
import { Passwords } from './passwords.js';
import { refreshTokens, users } from './schema.js';
import { TenantError } from './tenant.js';
import { Tenants } from './tenants.service.js';

const SUMMARY = { id: users.id, tenantId: users.tenantSlug, email: users.email, createdAt: users.createdAt };

/** The people who work for the tenants. An email address belongs to one user of one tenant, whatever its case. */
@Injectable()
export class Users {
  private readonly states: CachedLookup<UserState>;

  constructor(
    private readonly database: ControlPlaneDatabase,
    private readonly changes: ControlPlaneChanges,
    private readonly tenants: Tenants,
    private readonly passwords: Passwords,
  ) {
    this.states = new CachedLookup(changes, 'user', (id) => this.loadState(id));
  }

  /** @throws TenantError when there is no such tenant, the address is taken or none, or the password is not acceptable */
  async create({ tenantId, email, password }: { tenantId: string; email: string; password: string }): Promise<User> {
    const normalized = normalizeEmail(email);
    if (!hasEmailForm(normalized)) {
      throw new TenantError(
        `An email address has a name, an "@" and a host, and at most ${MAX_EMAIL_LENGTH} characters, as in "ann@example.com".`,
      );
    }
    await this.tenants.require(tenantId);
    const passwordHash = await this.passwords.hash(password);
    const [user] = await this.database.db
      .insert(users)
      .values({ tenantSlug: tenantId, email: normalized, passwordHash })
      .onConflictDoNothing()
      .returning(SUMMARY);
    if (user === undefined) {
      throw new TenantError(`There is a user "${normalized}" already. Choose another address, or set its password.`);
    }
    return user;
  }

  /** All users of a tenant, by email address. */
  async list(tenantId: string): Promise<User[]> {
    return this.database.db.select(SUMMARY).from(users).where(eq(users.tenantSlug, tenantId)).orderBy(asc(users.email));
  }

  /**
   * Replaces a user's password and ends all of the user's logins (see {@link ControlPlaneChanges.commitForAll}).
   * @throws TenantError when there is no such user, or the password is not acceptable
   */
  async setPassword(email: string, password: string): Promise<void> {
    const passwordHash = await this.passwords.hash(password);
    await this.changes.commitForAll(async (transaction, note) => {
      // First, so that it waits for refresh tokens in progress, and further ones wait for it.
      const [user] = await transaction
        .update(users)
        .set({ passwordHash })
        .where(eq(users.email, normalizeEmail(email)))
        .returning({ id: users.id });
      if (user === undefined) throw noUser(email);
      await transaction.delete(refreshTokens).where(eq(refreshTokens.userId, user.id));
      note('user', user.id);
    });
  }

  /**
   * Removes a user, and ends all logins as {@link setPassword} does.
   * @throws TenantError when there is no such user
   */
  async remove(email: string): Promise<void> {
    await this.changes.commitForAll(async (transaction, note) => {
      const [removed] = await transaction
        .delete(users)
        .where(eq(users.email, normalizeEmail(email)))
        .returning({ id: users.id });
      if (removed === undefined) throw noUser(email);
      note('user', removed.id);
    });
  }

  /**
   * What access tokens of the user with this id, a UUID, are checked against; `undefined` when there is no such user. From
   * memory where possible.
   * @throws ControlPlaneUnavailableError as {@link CachedLookup.find}
   */
  findState(id: string): Promise<UserState | undefined> {
    return this.states.find(id);
  }

  /**
   * The user with this email address and password, or `undefined`. Takes the same time whether or not there is such a user.
   * @throws ApiError 503 when too many passwords are being checked
   */
  async authenticate(email: string, password: string): Promise<AuthenticatedUser | undefined> {
    const user = await this.findWithHash(normalizeEmail(email));
    const matches = await this.passwords.matches(password, user?.passwordHash);
    return matches ? user : undefined;
  }

  private async loadState(id: string): Promise<UserState | undefined> {
    const [user] = await this.database.db
      .select({ tenantId: users.tenantSlug, passwordHash: users.passwordHash })
      .from(users)
      .where(eq(users.id, id));
    return user && { tenantId: user.tenantId, passwordVersion: passwordVersion(user.passwordHash) };
  }

  private async findWithHash(email: string): Promise<AuthenticatedUser | undefined> {
    // PostgreSQL rejects some texts that cannot be addresses, such as those with a null character.
    if (!hasEmailForm(email)) return undefined;
    const [user] = await this.database.db
      .select({ id: users.id, tenantId: users.tenantSlug, passwordHash: users.passwordHash })
      .from(users)
      .where(eq(users.email, email));
    return user;
  }
}

function noUser(email: string): TenantError {
  return new TenantError(`There is no user "${email}". List the tenant's users to see them.`);
}
