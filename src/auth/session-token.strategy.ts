import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { invalidToken } from '../common/errors.js';
import type { ApiKey } from '../tenants/api-key.js';
import { ApiKeys } from '../tenants/api-keys.service.js';
import { CredentialStrategy } from './credential.strategy.js';
import type { SessionPrincipal } from './principal.js';
import { bearerTokenOf } from './tokens/bearer.token.js';
import type { SessionClaims } from './tokens/token.claims.js';
import { Tokens } from './tokens/tokens.service.js';

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
    const token = bearerTokenOf(request);
    const claims = token === undefined ? undefined : await this.tokens.verify(token);
    if (claims?.kind !== 'session') {
      return null;
    }
    const principal = principalOf(claims, await this.apiKeys.findById(claims.apiKeyId));
    if (principal === undefined) {
      throw invalidToken('The public key of this session was revoked. Open another session with a valid key.');
    }
    return principal;
  }

  /** The same, as far as memory can tell without waiting; `undefined` when only {@link validate} can. */
  recall(request: FastifyRequest): SessionPrincipal | undefined {
    const token = bearerTokenOf(request);
    const claims = token === undefined ? undefined : this.tokens.recall(token);
    return claims?.kind === 'session' ? principalOf(claims, this.apiKeys.recallById(claims.apiKeyId)) : undefined;
  }
}

function principalOf(
  { tenantId, sessionId, uid }: SessionClaims,
  apiKey: ApiKey | undefined,
): SessionPrincipal | undefined {
  return apiKey?.tenantId === tenantId && apiKey.type === 'public'
    ? { kind: 'session', tenantId, apiKey, sessionId, uid }
    : undefined;
}
