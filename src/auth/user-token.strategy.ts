import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { invalidToken } from '../common/errors.js';
import { Tenants } from '../tenants/tenants.service.js';
import { Users } from '../tenants/users.service.js';
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
    private readonly users: Users,
  ) {
    super('user-token');
  }

  override async validate(request: FastifyRequest): Promise<UserPrincipal | null> {
    const token = bearerTokenOf(request);
    const claims = token === undefined ? undefined : await this.tokens.verify(token);
    if (claims?.kind !== 'access') {
      return null;
    }
    const { tenantId, userId, passwordVersion } = claims;
    if (passwordVersion === undefined) {
      await this.checkTenant(tenantId);
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

  /** Of another issuer's token: whether its user still is one, that issuer says by the end of the token. */
  private async checkTenant(tenantId: string): Promise<void> {
    if (!SLUG.test(tenantId) || (await this.tenants.findCached(tenantId)) === undefined) {
      throw invalidToken('The tenant that this token names does not exist. Check the claim that names it.');
    }
  }
}
