import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { invalidToken } from '../common/errors.js';
import { ApiKeys } from '../tenants/api-keys.service.js';
import { CredentialStrategy } from './credential.strategy.js';
import type { SessionPrincipal } from './principal.js';
import { bearerTokenOf } from './tokens/bearer.token.js';
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
    const { tenantId, apiKeyId, uid } = claims;
    const apiKey = await this.apiKeys.findById(apiKeyId);
    if (apiKey?.tenantId !== tenantId || apiKey.type !== 'public') {
      throw invalidToken('The public key of this session was revoked. Open another session with a valid key.');
    }
    return { kind: 'session', tenantId, apiKey, uid };
  }
}
