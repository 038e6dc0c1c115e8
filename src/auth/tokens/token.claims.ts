import { errors } from 'jose';
import { invalidToken } from '../../common/errors.js';

/** What an access token says: who, of which tenant. */
export interface AccessClaims {
  readonly kind: 'access';
  readonly userId: string;
  readonly tenantId: string;
  /** Of the password that the login began with; undefined for another issuer's user. */
  readonly passwordVersion: string | undefined;
}

export interface SessionClaims {
  readonly kind: 'session';
  readonly sessionId: string;
  readonly tenantId: string;
  /** The public key that the session was opened with. */
  readonly apiKeyId: string;
  /** The only `user_id` that the session may send events of. */
  readonly uid: string;
}

export type TokenClaims = AccessClaims | SessionClaims;

/** The claims of a new token. A session's id is made with its token. */
export type ClaimsToIssue = AccessClaims | Omit<SessionClaims, 'sessionId'>;

/** Claims whose signature was checked, and until when they need no other check. */
export interface VerifiedToken {
  readonly claims: TokenClaims;
  /** Unix time in milliseconds. */
  readonly validUntil: number;
}

/**
 * What to throw for a failure of jose: a 401 with one of the texts, or the failure itself when the token did not cause it.
 * jose reports that a token has expired only when its signature is right.
 */
export function rejectionOf(failure: unknown, texts: { readonly expired: string; readonly invalid: string }): unknown {
  if (failure instanceof errors.JWTExpired) return invalidToken(texts.expired);
  return failure instanceof errors.JOSEError ? invalidToken(texts.invalid) : failure;
}
