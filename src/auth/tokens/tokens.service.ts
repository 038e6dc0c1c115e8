import { Injectable } from '@nestjs/common';
import { decodeJwt, type JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import { type AuthenticatedUser, passwordVersion } from '../../tenants/user.js';
import { ExternalIssuer } from './external-issuer.js';
import { OwnIssuer } from './own-issuer.js';
import type { TokenClaims, VerifiedToken } from './token.claims.js';

const ACCESS_TOKEN_SECONDS = 60 * 60;
const SESSION_TOKEN_SECONDS = 15 * 60;

/** Of all remembered tokens together, in characters: 50,000 of our own, which have about 400. */
const MAX_REMEMBERED_CHARACTERS = 20_000_000;

/** JSON Web Tokens: those that we issue, and those that we take. */
@Injectable()
export class Tokens {
  /** Checking a signature takes about 100 µs, finding a token here less than one. */
  private readonly verified = new LRUCache<string, VerifiedToken>({
    maxSize: MAX_REMEMBERED_CHARACTERS,
    sizeCalculation: (_, token) => token.length,
  });

  constructor(
    private readonly own: OwnIssuer,
    private readonly external: ExternalIssuer,
  ) {}

  /** For a user who has logged in: 60 minutes, or until the password is another or the user removed. */
  async issueAccessToken({ id, tenantId, passwordHash }: AuthenticatedUser): Promise<string> {
    const claims = { kind: 'access', userId: id, tenantId, passwordVersion: passwordVersion(passwordHash) } as const;
    const { token } = await this.own.issue(claims, ACCESS_TOKEN_SECONDS);
    return token;
  }

  /**
   * For a browser or app: 15 minutes, or until the public key is revoked.
   * @returns with `expiresAt` in whole seconds
   */
  issueSessionToken(claims: {
    tenantId: string;
    apiKeyId: string;
    uid: string;
  }): Promise<{ token: string; expiresAt: Date }> {
    return this.own.issue({ kind: 'session', ...claims }, SESSION_TOKEN_SECONDS);
  }

  /**
   * The claims of a valid token; `undefined` for a text that does not claim to be of an issuer that we accept. Whether the
   * tenant, the key or the user still exists is not checked.
   * @throws ApiError 401 for a token that is forged, expired or incomplete, 503 when its issuer's keys cannot be fetched
   */
  async verify(token: string): Promise<TokenClaims | undefined> {
    const known = this.recall(token);
    if (known !== undefined) return known;
    const verified = await this.verifyNow(token);
    if (verified !== undefined) this.verified.set(token, verified);
    return verified?.claims;
  }

  /** The claims of a token that was verified before and is still valid; `undefined` when only {@link verify} can tell. */
  recall(token: string): TokenClaims | undefined {
    const known = this.verified.get(token);
    return known !== undefined && known.validUntil > Date.now() ? known.claims : undefined;
  }

  private async verifyNow(token: string): Promise<VerifiedToken | undefined> {
    const unverified = readUnverified(token);
    if (unverified === undefined) return undefined;
    const kind = this.own.kindOf(unverified);
    if (kind !== undefined) return this.own.verify(token, kind);
    return this.external.issued(unverified) ? this.external.verify(token) : undefined;
  }
}

/** The claims of an unchecked token, for choosing the issuer that checks it. */
function readUnverified(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}
