import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiProperty } from '@nestjs/swagger';
import { WHOLE_SECOND } from '../../common/api.properties.js';
import { forbidden, invalidFields } from '../../common/errors.js';
import type { ApiKey } from '../../tenants/api-key.js';
import { ApiKeys } from '../../tenants/api-keys.service.js';
import { Accepts, CurrentPrincipal, type PublicKeyPrincipal } from '../principal.js';
import { Tokens } from '../tokens/tokens.service.js';
import { ANONYMOUS_PREFIX, SessionDto } from './session.dto.js';
import { problemOfSignature } from './user-id.signature.js';

class SessionBody {
  @ApiProperty() readonly token!: string;
  @ApiProperty(WHOLE_SECOND) readonly expires_at!: string;
  @ApiProperty() readonly uid!: string;
}

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
  @ApiOperation({
    summary: 'Exchange a public key for a session',
    description:
      'The session is locked to `uid`: the `user_id`, else `anon_` and the `anonymous_id`. `user_id_sig` is the lower-case hex of HMAC-SHA256 over `<user_id>|<user_id_ts>`, keyed with the bytes of the key’s HMAC secret. The request’s `Origin` must be one that the key lists.',
  })
  @ApiBody({
    type: SessionDto,
    examples: {
      'a visitor': { value: { anonymous_id: '7b3a9d55' } },
      'a known user': { value: { user_id: 'zoe@example.com' } },
    },
  })
  @ApiOkResponse({ description: 'A token for 15 minutes.', type: SessionBody })
  async open(@CurrentPrincipal() { apiKey }: PublicKeyPrincipal, @Body() claimed: SessionDto): Promise<SessionBody> {
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
