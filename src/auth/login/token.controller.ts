import { Body, Controller, Header, HttpCode, Ip, Post } from '@nestjs/common';
import {
  ApiBody,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiServiceUnavailableResponse,
  ApiTooManyRequestsResponse,
  ApiUnauthorizedResponse,
} from '@nestjs/swagger';
import { Accepts, EVERYBODY } from '../accepts.decorator.js';
import { CredentialsDto } from './dto/credentials.dto.js';
import { RefreshTokenDto } from './dto/refresh-token.dto.js';
import { LoginService } from './login.service.js';

const A_REFRESH_TOKEN = { 'a refresh token': { value: { refresh: 'the refresh token of the login' } } };

class AccessTokenBody {
  @ApiProperty() readonly access!: string;
}

class TokenPairBody extends AccessTokenBody {
  @ApiProperty() readonly refresh!: string;
}

/** Logins of the people who work for tenants: begun with a password, kept up with refresh tokens, ended by revoking one. */
@Controller('api/auth/token')
@Accepts(EVERYBODY)
export class TokenController {
  constructor(private readonly login: LoginService) {}

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Log in' })
  @ApiBody({
    type: CredentialsDto,
    examples: { 'a login': { value: { email: 'zoe@acme.example', password: 'correct horse battery staple' } } },
  })
  @ApiOkResponse({ description: 'An access token for 60 minutes, and what gets the next one.', type: TokenPairBody })
  @ApiUnauthorizedResponse({ description: 'The email address or the password is wrong.' })
  @ApiTooManyRequestsResponse({
    description:
      'Too many logins failed, of this account or from this network, or too many of the network are under way.',
  })
  @ApiServiceUnavailableResponse({ description: 'Too many log in at once, or users cannot be read now.' })
  create(@Body() { email, password }: CredentialsDto, @Ip() address: string): Promise<TokenPairBody> {
    return this.login.logIn({ email, password, address });
  }

  @Post('refresh')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Get the next access token',
    description: 'The refresh token stays good until 7 days after its last use, at most 30 days after the login.',
  })
  @ApiBody({ type: RefreshTokenDto, examples: A_REFRESH_TOKEN })
  @ApiOkResponse({ description: 'An access token for 60 minutes.', type: AccessTokenBody })
  @ApiUnauthorizedResponse({ description: 'The refresh token is not valid, or not any more.' })
  @ApiServiceUnavailableResponse({ description: 'Logins cannot be read now.' })
  refresh(@Body() { refresh }: RefreshTokenDto, @Ip() address: string): Promise<AccessTokenBody> {
    return this.login.refresh(refresh, address);
  }

  @Post('revoke')
  @HttpCode(204)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Log out' })
  @ApiBody({
    type: RefreshTokenDto,
    examples: { ...A_REFRESH_TOKEN, 'a text that is none': { value: { refresh: 'garbage' } } },
  })
  @ApiNoContentResponse({ description: 'The login that the token belonged to, if any, has ended.' })
  @ApiServiceUnavailableResponse({ description: 'Logins cannot be changed now.' })
  revoke(@Body() { refresh }: RefreshTokenDto, @Ip() address: string): Promise<void> {
    return this.login.logOut(refresh, address);
  }
}
