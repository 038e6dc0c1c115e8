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
