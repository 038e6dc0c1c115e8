/** What an access token says: who, of which tenant. */
export interface AccessClaims {
  readonly kind: 'access';
  readonly userId: string;
  readonly tenantId: string;
}

/** What a session's token says. */
export interface SessionClaims {
  readonly kind: 'session';
  readonly tenantId: string;
  /** The public key that the session was opened with. */
  readonly apiKeyId: string;
  /** The only `user_id` that the session may send events of. */
  readonly uid: string;
}

export type TokenClaims = AccessClaims | SessionClaims;

/** Claims whose signature was checked, and until when they may be believed without checking it again. */
export interface VerifiedToken {
  readonly claims: TokenClaims;
  /** Unix time in milliseconds. */
  readonly validUntil: number;
}
