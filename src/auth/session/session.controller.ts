import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { forbidden, invalidFields } from '../../common/errors.js';
import type { ApiKey } from '../../tenants/api-key.js';
import { ApiKeys } from '../../tenants/api-keys.service.js';
import { Accepts, CurrentPrincipal, type PublicKeyPrincipal } from '../principal.js';
import { Tokens } from '../tokens/tokens.service.js';
import { sessionDocs } from './session.docs.js';
import { ANONYMOUS_PREFIX, SessionDto } from './session.dto.js';
import { problemOfSignature } from './user-id.signature.js';

/** Exchanges public keys for sessions: the handshake of web pages and apps. */
@Controller('api/auth/session')
@Accepts(['public-key'])
export class SessionController {
  constructor(
    private readonly apiKeys: ApiKeys,
    private readonly tokens: Tokens,
  ) {}

  /** @throws ApiError 400 without any id, 403 for a user id whose signature is missing or not right */
  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @sessionDocs.open
  async open(
    @CurrentPrincipal() { apiKey }: PublicKeyPrincipal,
    @Body() claimed: SessionDto,
  ): Promise<{ token: string; expires_at: string; uid: string }> {
    const uid = this.uidOf(apiKey, claimed);
    const { tenantId, id: apiKeyId } = apiKey;
    const { token, expiresAt } = await this.tokens.issueSessionToken({ tenantId, apiKeyId, uid });
    // Without the fraction, which the Swift SDK does not parse.
    return { token, expires_at: expiresAt.toISOString().replace(/\.\d+Z$/, 'Z'), uid };
  }

  private uidOf(apiKey: ApiKey, { user_id, anonymous_id, user_id_sig, user_id_ts }: SessionDto): string {
    const userId = user_id ?? undefined;
    if (userId !== undefined) {
      const proof = { userId, signature: user_id_sig ?? undefined, timestamp: user_id_ts?.toString() };
      // A signature that was sent must be right, even where none is required.
      if (proof.signature !== undefined || apiKey.requireSignedUserId) {
        const problem = problemOfSignature(proof, this.apiKeys.hmacSecretOf(apiKey), Date.now());
        if (problem !== undefined) throw forbidden(problem);
      }
      return userId;
    }
    if (anonymous_id === undefined || anonymous_id === null) {
      throw invalidFields({ user_id: ['is required, unless there is an anonymous_id.'] });
    }
    return `${ANONYMOUS_PREFIX}${anonymous_id}`;
  }
}
