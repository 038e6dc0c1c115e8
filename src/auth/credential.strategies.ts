import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport';
import { invalidToken, unauthorized } from '../common/errors.js';
import type { ApiKey } from '../tenants/api-key.js';
import { ApiKeys } from '../tenants/api-keys.service.js';
import { Tenants } from '../tenants/tenants.service.js';
import { Users } from '../tenants/users.service.js';
import type {
  Principal,
  PublicKeyPrincipal,
  SecretKeyPrincipal,
  SessionPrincipal,
  UserPrincipal,
} from './principal.js';
import type { SessionClaims, TokenClaims } from './tokens/token.claims.js';
import { Tokens } from './tokens/tokens.service.js';

type Done = (error: unknown, principal?: Principal | null) => void;

/** What Passport runs: asks `validate`, and lets the next strategy try when that finds no principal. */
class HeaderStrategy extends Strategy {
  constructor(
    override readonly name: string,
    private readonly check: (request: FastifyRequest, done: Done) => void,
  ) {
    super();
  }

  override authenticate(this: this & { error: (error: unknown) => void }, request: unknown): void {
    this.check(request as FastifyRequest, (error, principal) => {
      if (error !== null) this.error(error);
      else if (principal) this.success(principal);
      else this.fail(401);
    });
  }
}

let created = 0;

/** One kind of credential. Registers itself with Passport when it is made. */
export abstract class CredentialStrategy extends PassportStrategy(HeaderStrategy) {
  /** Passport has one registry a process; the number keeps applications in one process apart, as in tests. */
  constructor(credential: string) {
    super(`${credential}-${++created}`);
  }

  /**
   * The principal whose credential the request carries; `null` when it carries none of this kind.
   * @throws ApiError 401 for a credential that is not valid, 503 for one that cannot be checked now: an outage of ours
   * must not look like a wrong key, because clients drop their events on a 4xx
   */
  abstract override validate(request: FastifyRequest): Promise<Principal | null>;
}

const API_KEY_SCHEME = /^ApiKey(?: +|$)/i;
const API_KEY = /^ApiKey +(\S+)$/i;

/** `Authorization: ApiKey sk_…` or `pk_…`. */
@Injectable()
export class ApiKeyStrategy extends CredentialStrategy {
  constructor(private readonly apiKeys: ApiKeys) {
    super('api-key');
  }

  override async validate({ headers, ip }: FastifyRequest): Promise<SecretKeyPrincipal | PublicKeyPrincipal | null> {
    const header = headers.authorization ?? '';
    if (!API_KEY_SCHEME.test(header)) return null;
    const key = API_KEY.exec(header)?.[1];
    const apiKey = key === undefined ? undefined : await this.apiKeys.find(key, ip);
    if (apiKey === undefined) {
      throw unauthorized('This API key is unknown or was revoked. Check it, or use another.');
    }
    return principalOfKey(apiKey);
  }

  /** As {@link validate}, from memory; `undefined` when only {@link validate} can tell. */
  recall({ headers }: FastifyRequest): SecretKeyPrincipal | PublicKeyPrincipal | undefined {
    const key = headers.authorization === undefined ? undefined : API_KEY.exec(headers.authorization)?.[1];
    const apiKey = key === undefined ? undefined : this.apiKeys.recall(key);
    return apiKey && principalOfKey(apiKey);
  }
}

function principalOfKey(apiKey: ApiKey): SecretKeyPrincipal | PublicKeyPrincipal {
  const { id, tenantId, type } = apiKey;
  return type === 'secret' ? { kind: 'secret-key', tenantId, apiKeyId: id } : { kind: 'public-key', tenantId, apiKey };
}

/** A JSON Web Token in its compact form (RFC 7515, 3.1), in any case of the scheme. */
const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i;

/** `undefined` without a bearer token, or for one that does not have the form of a JSON Web Token. */
function bearerTokenOf({ headers }: FastifyRequest): string | undefined {
  return headers.authorization === undefined ? undefined : BEARER.exec(headers.authorization)?.[1];
}

async function claimsOf(request: FastifyRequest, tokens: Tokens): Promise<TokenClaims | undefined> {
  const token = bearerTokenOf(request);
  return token === undefined ? undefined : tokens.verify(token);
}

/** `Authorization: Bearer …` with a session's token. A session ends with the public key that it was opened with. */
@Injectable()
export class SessionTokenStrategy extends CredentialStrategy {
  constructor(
    private readonly tokens: Tokens,
    private readonly apiKeys: ApiKeys,
  ) {
    super('session-token');
  }

  override async validate(request: FastifyRequest): Promise<SessionPrincipal | null> {
    const claims = await claimsOf(request, this.tokens);
    if (claims?.kind !== 'session') return null;
    const principal = principalOfSession(claims, await this.apiKeys.findById(claims.apiKeyId));
    if (principal === undefined) {
      throw invalidToken('The public key of this session was revoked. Open another session with a valid key.');
    }
    return principal;
  }

  /** As {@link validate}, from memory; `undefined` when only {@link validate} can tell. */
  recall(request: FastifyRequest): SessionPrincipal | undefined {
    const token = bearerTokenOf(request);
    const claims = token === undefined ? undefined : this.tokens.recall(token);
    return claims?.kind === 'session'
      ? principalOfSession(claims, this.apiKeys.recallById(claims.apiKeyId))
      : undefined;
  }
}

function principalOfSession(
  { tenantId, sessionId, uid }: SessionClaims,
  apiKey?: ApiKey,
): SessionPrincipal | undefined {
  return apiKey?.tenantId === tenantId && apiKey.type === 'public'
    ? { kind: 'session', tenantId, apiKey, sessionId, uid }
    : undefined;
}

/** Another issuer's token may name anything; PostgreSQL rejects some texts, and a long one is no slug of ours. */
const SLUG = /^[a-z0-9-]{1,63}$/;

/** `Authorization: Bearer …` with an access token, ours or the other issuer's. */
@Injectable()
export class UserTokenStrategy extends CredentialStrategy {
  constructor(
    private readonly tokens: Tokens,
    private readonly tenants: Tenants,
    private readonly users: Users,
  ) {
    super('user-token');
  }

  override async validate(request: FastifyRequest): Promise<UserPrincipal | null> {
    const claims = await claimsOf(request, this.tokens);
    if (claims?.kind !== 'access') return null;
    const { tenantId, userId, passwordVersion } = claims;
    if (passwordVersion === undefined) {
      // Another issuer knows its users: it decides by the end of the token whether they still are.
      if (!SLUG.test(tenantId) || (await this.tenants.findCached(tenantId)) === undefined) {
        throw invalidToken('The tenant that this token names does not exist. Check the claim that names it.');
      }
    } else {
      const user = await this.users.findState(userId);
      if (user?.tenantId !== tenantId || user.passwordVersion !== passwordVersion) {
        throw invalidToken(
          'The user of this access token was removed or has another password. Log in at /api/auth/token/.',
        );
      }
    }
    return { kind: 'user', tenantId, userId };
  }
}
