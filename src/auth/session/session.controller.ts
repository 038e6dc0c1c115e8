import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiProperty } from '@nestjs/swagger';
import { WHOLE_SECOND } from '../../common/api.properties.js';
import { Accepts } from '../accepts.decorator.js';
import { CurrentPrincipal } from '../principal.decorator.js';
import type { PublicKeyPrincipal } from '../principal.js';
import { SessionDto } from './dto/session.dto.js';
import { SessionService } from './session.service.js';

class SessionBody {
  @ApiProperty() readonly token!: string;
  @ApiProperty(WHOLE_SECOND) readonly expires_at!: string;
  @ApiProperty() readonly uid!: string;
}

/** Where web pages and apps exchange a public key for a session. */
@Controller('api/auth/session')
@Accepts(['public-key'])
export class SessionController {
  constructor(private readonly sessions: SessionService) {}

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
  async open(@CurrentPrincipal() { apiKey }: PublicKeyPrincipal, @Body() body: SessionDto): Promise<SessionBody> {
    const { token, expiresAt, uid } = await this.sessions.open(apiKey, body);
    // Without the fraction, which the Swift SDK's parser does not take.
    return { token, expires_at: expiresAt.toISOString().replace(/\.\d+Z$/, 'Z'), uid };
  }
}
