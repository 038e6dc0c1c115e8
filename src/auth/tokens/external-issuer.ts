import { Injectable } from '@nestjs/common';
import {
  createRemoteJWKSet,
  type CryptoKey,
  errors,
  type FlattenedJWSInput,
  type JWTHeaderParameters,
  type JWTPayload,
  jwtVerify,
  type RemoteJWKSet,
} from 'jose';
import { unavailable } from '../../common/errors.js';
import { OperatorError } from '../../common/operator.error.js';
import { ThrottledLog } from '../../common/service.logger.js';
import { Configuration } from '../../config/configuration.js';
import { OwnIssuer } from './own-issuer.js';
import { rejectionOf, type VerifiedToken } from './token.claims.js';

/** So that the caller is answered within a second, even on a busy machine. */
const FETCH_TIMEOUT_MS = 700;
/** How long a set of keys is used. A key that the issuer withdraws is good for as long here. */
const KEYS_MAX_AGE_MS = 10 * 60_000;
/** How often tokens with unknown keys may make us ask the issuer again. */
const REFETCH_AFTER_MS = 10_000;
const CLOCK_TOLERANCE_SECONDS = 5;
const RETRY_AFTER_SECONDS = 2;

/** Without HS256: a JWKS is public. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

const MESSAGES = {
  expired: 'This token has expired. Get another from its issuer.',
  invalid: 'This token is not valid here. Get another from its issuer, for this audience.',
};

interface Settings {
  readonly issuer: string;
  readonly audience: string;
  readonly tenantClaim: string;
  readonly keys: RemoteJWKSet;
}

/** The operator's identity provider, if there is one: its tokens are access tokens of users. */
@Injectable()
export class ExternalIssuer {
  private readonly log = new ThrottledLog(ExternalIssuer.name);
  private readonly settings: Settings | undefined;

  /** @throws OperatorError when the other issuer has our own name */
  constructor(configuration: Configuration) {
    this.settings = settingsOf(configuration);
  }

  /** Whether the token, unverified, says that this issuer made it. */
  issued({ iss }: JWTPayload): boolean {
    return this.settings !== undefined && iss === this.settings.issuer;
  }

  /** @throws ApiError 401 for a token that is not valid here, 503 when the issuer's keys cannot be fetched */
  async verify(token: string): Promise<VerifiedToken> {
    if (this.settings === undefined) throw new TypeError('there is no other issuer');
    const { issuer, audience, tenantClaim, keys } = this.settings;
    try {
      const { payload } = await jwtVerify(token, (header, jws) => this.keyOf(keys, header, jws), {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['sub', 'exp'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      });
      const { sub, exp = 0 } = payload;
      const tenantId = payload[tenantClaim];
      if (typeof sub !== 'string' || sub === '' || typeof tenantId !== 'string') throw new errors.JWTInvalid();
      return {
        claims: { kind: 'access', userId: sub, tenantId, passwordVersion: undefined },
        validUntil: Math.min((exp + CLOCK_TOLERANCE_SECONDS) * 1000, Date.now() + KEYS_MAX_AGE_MS),
      };
    } catch (error) {
      throw rejectionOf(error, MESSAGES);
    }
  }

  private async keyOf(keys: RemoteJWKSet, header: JWTHeaderParameters, jws: FlattenedJWSInput): Promise<CryptoKey> {
    try {
      return await keys(header, jws);
    } catch (error) {
      if (isFaultOfToken(error)) throw error;
      this.log.error(
        () =>
          `The keys at OIDC_JWKS_URL cannot be fetched (${reasonOf(error)}). Check the address, and that it answers with a JWKS; tokens of OIDC_ISSUER get 503 until then.`,
      );
      throw unavailable(
        'The keys of the token’s issuer cannot be fetched right now. Send the request again.',
        RETRY_AFTER_SECONDS,
      );
    }
  }
}

function settingsOf({ oidcJwksUrl, oidcIssuer, oidcAudience, oidcTenantClaim }: Configuration): Settings | undefined {
  if (oidcJwksUrl === undefined || oidcIssuer === undefined || oidcAudience === undefined) return undefined;
  if (oidcIssuer === OwnIssuer.NAME) {
    throw new OperatorError(
      `OIDC_ISSUER is "${OwnIssuer.NAME}", the name under which this service issues its own tokens. Give the other issuer another.`,
    );
  }
  const keys = createRemoteJWKSet(new URL(oidcJwksUrl), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: REFETCH_AFTER_MS,
    cacheMaxAge: KEYS_MAX_AGE_MS,
  });
  return { issuer: oidcIssuer, audience: oidcAudience, tenantClaim: oidcTenantClaim, keys };
}

/** The set was fetched, and holds no key for this token, or several among which the token does not choose. */
function isFaultOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

/** Node's fetch says what happened in the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string } };
  return cause?.code ?? message ?? 'unknown';
}
