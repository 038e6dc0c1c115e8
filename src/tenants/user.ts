import { hash } from 'node:crypto';

/** Somebody who works for a tenant, and logs in with an email address and a password. */
export interface User {
  readonly id: string;
  readonly tenantId: string;
  readonly email: string;
  readonly createdAt: Date;
}

/** A user who sent the right password, and its stored hash, which another password replaces. */
export interface AuthenticatedUser {
  readonly id: string;
  readonly tenantId: string;
  readonly passwordHash: string;
}

/** What access tokens of a user are checked against. */
export interface UserState {
  readonly tenantId: string;
  /** See {@link passwordVersion}. */
  readonly passwordVersion: string;
}

/** Identifies a password in access tokens. It reveals nothing: the stored hash has a salt of 128 random bits. */
export function passwordVersion(passwordHash: string): string {
  return hash('sha256', passwordHash, 'base64url').slice(0, 22);
}

/** The longest address that mail can be sent to (RFC 5321, 4.5.3.1.3, without its angle brackets). */
export const MAX_EMAIL_LENGTH = 254;

/** One `@` with visible characters on both sides. */
const FORM = /^[^\s\p{C}@]+@[^\s\p{C}@]+$/u;

/** An email address as it is stored and compared. */
export function normalizeEmail(email: string): string {
  return email.trim().toLowerCase();
}

export function hasEmailForm(email: string): boolean {
  return email.length <= MAX_EMAIL_LENGTH && FORM.test(email);
}
