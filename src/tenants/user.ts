import { hash } from 'node:crypto';

/** Somebody who works for a tenant, and logs in with an email address and a password. */
export interface User {
  readonly id: string;
  readonly tenantId: string;
  readonly email: string;
  readonly createdAt: Date;
}

/** A user who knew the password, and the stored hash that says so: it is gone once the password is another. */
export interface AuthenticatedUser {
  readonly id: string;
  readonly tenantId: string;
  readonly passwordHash: string;
}

/** A user as access tokens are held to it. */
export interface UserState {
  readonly tenantId: string;
  /** See {@link passwordVersion}. */
  readonly passwordVersion: string;
}

/**
 * Another text for another password, for access tokens to carry. It tells nothing of the password: the stored hash that it
 * stands for has a salt of 128 random bits.
 */
export function passwordVersion(passwordHash: string): string {
  return hash('sha256', passwordHash, 'base64url').slice(0, 22);
}
