import { errors } from 'jose';
import { invalidToken } from '../../common/errors.js';

/** What an access token says: who, of which tenant. */
export interface AccessClaims {
  readonly kind: 'access';
  readonly userId: string;
  readonly tenantId: string;
  /** Of our own user: the password that the login began with. Undefined of another issuer's, who alone knows its users. */
  readonly passwordVersion: string | undefined;
}

/** What a session's token says. */
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

/** What a new token is to say. A session's id is made with its token. */
export type ClaimsToIssue = AccessClaims | Omit<SessionClaims, 'sessionId'>;

/** Claims whose signature was checked, and until when they may be believed without checking it again. */
export interface VerifiedToken {
  readonly claims: TokenClaims;
  /** Unix time in milliseconds. */
  readonly validUntil: number;
}

/**
 * What to throw instead of a failure of jose: a 401 with one of the texts, or the failure itself when the token is not
 * what caused it. jose says that a token has expired only after it has found its signature right.
 */
export function refusalOf(failure: unknown, texts: { readonly expired: string; readonly invalid: string }): unknown {
  if (failure instanceof errors.JWTExpired) return invalidToken(texts.expired);
  return failure instanceof errors.JOSEError ? invalidToken(texts.invalid) : failure;
}
