import { Body, Controller, Header, HttpCode, Ip, Post } from '@nestjs/common';
import { Accepts, EVERYBODY } from '../accepts.decorator.js';
import { CredentialsDto } from './dto/credentials.dto.js';
import { RefreshTokenDto } from './dto/refresh-token.dto.js';
import { LoginService, type TokenPair } from './login.service.js';
import { tokenDocs } from './token.docs.js';

/** Logins of the people who work for tenants: begun with a password, kept up with refresh tokens, ended by revoking one. */
@Controller('api/auth/token')
@Accepts(EVERYBODY)
export class TokenController {
  constructor(private readonly login: LoginService) {}

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @tokenDocs.create
  create(@Body() { email, password }: CredentialsDto, @Ip() address: string): Promise<TokenPair> {
    return this.login.logIn({ email, password, address });
  }

  @Post('refresh')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @tokenDocs.refresh
  refresh(@Body() { refresh }: RefreshTokenDto, @Ip() address: string): Promise<Pick<TokenPair, 'access'>> {
    return this.login.refresh(refresh, address);
  }

  @Post('revoke')
  @HttpCode(204)
  @Header('cache-control', 'no-store')
  @tokenDocs.revoke
  revoke(@Body() { refresh }: RefreshTokenDto, @Ip() address: string): Promise<void> {
    return this.login.logOut(refresh, address);
  }
}
