import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { Accepts, CurrentPrincipal, type PublicKeyPrincipal } from '../principal.js';
import { SessionDto } from './session.dto.js';
import { sessionDocs } from './session.docs.js';
import { SessionService } from './session.service.js';

/** Where web pages and apps exchange a public key for a session. */
@Controller('api/auth/session')
@Accepts(['public-key'])
export class SessionController {
  constructor(private readonly sessions: SessionService) {}

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @sessionDocs.open
  async open(
    @CurrentPrincipal() { apiKey }: PublicKeyPrincipal,
    @Body() body: SessionDto,
  ): Promise<{ token: string; expires_at: string; uid: string }> {
    const { token, expiresAt, uid } = await this.sessions.open(apiKey, body);
    // Without the fraction, which the Swift SDK's parser does not take.
    return { token, expires_at: expiresAt.toISOString().replace(/\.\d+Z$/, 'Z'), uid };
  }
}
