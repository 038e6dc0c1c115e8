import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type CryptoKey, errors, type JWTHeaderParameters, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { SigningKeys } from './signing-keys.js';
import { type ClaimsToIssue, rejectionOf, type TokenClaims, type VerifiedToken } from './token.claims.js';

const ISSUER = 'segops';
const AUDIENCES: Readonly<Record<TokenClaims['kind'], string>> = { access: 'segops:access', session: 'segops:session' };
const MESSAGES: Readonly<Record<TokenClaims['kind'], { expired: string; invalid: string }>> = {
  access: {
    expired: 'This access token has expired. Get the next one at /api/auth/token/refresh/.',
    invalid: 'This access token is not valid. Log in at /api/auth/token/ for another.',
  },
  session: {
    expired: 'This session has expired. Open another at /api/auth/session/.',
    invalid: 'This session’s token is not valid. Open another session at /api/auth/session/.',
  },
};
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Issues and verifies this service's own tokens. */
@Injectable()
export class OwnIssuer {
  static readonly NAME = ISSUER;

  constructor(private readonly keys: SigningKeys) {}

  /** @param lifetime in seconds */
  async issue(claims: ClaimsToIssue, lifetime: number): Promise<{ token: string; expiresAt: Date }> {
    const { kid, algorithm, signWith } = this.keys.current;
    const issuedAt = Math.floor(Date.now() / 1000);
    const expiresAt = issuedAt + lifetime;
    const token = await new SignJWT(claimsToPayload(claims))
      .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCES[claims.kind])
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .setJti(randomUUID())
      .sign(signWith);
    return { token, expiresAt: new Date(expiresAt * 1000) };
  }

  /** The kind that a token claims, unverified; undefined when it does not claim to be ours. */
  kindOf({ iss, aud }: JWTPayload): TokenClaims['kind'] | undefined {
    if (iss !== ISSUER) return undefined;
    if (aud === AUDIENCES.access) return 'access';
    return aud === AUDIENCES.session ? 'session' : undefined;
  }

  /** @throws ApiError 401 for a token that is not of this kind, not ours, or has expired */
  async verify(token: string, kind: TokenClaims['kind']): Promise<VerifiedToken> {
    try {
      const { payload } = await jwtVerify(token, (header) => this.keyOf(header), {
        issuer: ISSUER,
        audience: AUDIENCES[kind],
        requiredClaims: ['sub', 'tenant', 'iat', 'exp', 'jti'],
      });
      return { claims: payloadToClaims(payload, kind), validUntil: (payload.exp ?? 0) * 1000 };
    } catch (error) {
      throw rejectionOf(error, MESSAGES[kind]);
    }
  }

  private keyOf({ kid, alg }: JWTHeaderParameters): CryptoKey {
    const key = kid === undefined ? undefined : this.keys.find(kid);
    // The key decides the algorithm, not the token.
    if (key?.algorithm !== alg) throw new errors.JWKSNoMatchingKey();
    return key.verifyWith;
  }
}

function claimsToPayload(claims: ClaimsToIssue): JWTPayload {
  switch (claims.kind) {
    case 'access':
      return { sub: claims.userId, tenant: claims.tenantId, ver: claims.passwordVersion };
    case 'session':
      return { sub: claims.uid, tenant: claims.tenantId, key: claims.apiKeyId };
    default:
      return claims satisfies never;
  }
}

/** Others who know `JWT_SECRET` may sign anything, so claims are checked like any input. */
function payloadToClaims(payload: JWTPayload, kind: TokenClaims['kind']): TokenClaims {
  const tenantId = textOf(payload, 'tenant');
  switch (kind) {
    case 'access':
      return { kind, userId: uuidOf(payload, 'sub'), tenantId, passwordVersion: textOf(payload, 'ver') };
    case 'session':
      return {
        kind,
        uid: textOf(payload, 'sub'),
        tenantId,
        apiKeyId: uuidOf(payload, 'key'),
        sessionId: textOf(payload, 'jti'),
      };
    default:
      return kind satisfies never;
  }
}

function textOf(payload: JWTPayload, claim: string): string {
  const value = payload[claim];
  if (typeof value !== 'string' || value === '') throw new errors.JWTInvalid();
  return value;
}

function uuidOf(payload: JWTPayload, claim: string): string {
  const value = textOf(payload, claim);
  if (!UUID.test(value)) throw new errors.JWTInvalid();
  return value;
}
