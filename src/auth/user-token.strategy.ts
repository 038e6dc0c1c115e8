import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { invalidToken } from '../common/errors.js';
import { Tenants } from '../tenants/tenants.service.js';
import { CredentialStrategy } from './credential.strategy.js';
import type { UserPrincipal } from './principal.js';
import { bearerTokenOf } from './tokens/bearer.token.js';
import { Tokens } from './tokens/tokens.service.js';

/** Another issuer's token may name anything; PostgreSQL refuses some texts, and a long one is no slug of ours. */
const SLUG = /^[a-z0-9-]{1,63}$/;

/** `Authorization: Bearer …` with an access token, ours or the other issuer's. */
@Injectable()
export class UserTokenStrategy extends CredentialStrategy {
  constructor(
    private readonly tokens: Tokens,
    private readonly tenants: Tenants,
  ) {
    super('user-token');
  }

  override async validate(request: FastifyRequest): Promise<UserPrincipal | null> {
    const token = bearerTokenOf(request);
    const claims = token === undefined ? undefined : await this.tokens.verify(token);
    if (claims?.kind !== 'access') {
      return null;
    }
    const { tenantId, userId } = claims;
    const exists = SLUG.test(tenantId) && (await this.tenants.findCached(tenantId)) !== undefined;
    if (!exists) {
      throw invalidToken('The tenant that this token names does not exist. Check the claim that names it.');
    }
    return { kind: 'user', tenantId, userId };
  }
}
