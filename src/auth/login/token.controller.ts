import { Body, Controller, Header, HttpCode, Ip, Post } from '@nestjs/common';
import { RefusedIf } from '../../common/dto.pipe.js';
import { Accepts, EVERYBODY } from '../principal.js';
import { LoginService, type TokenPair } from './login.service.js';
import { tokenDocs } from './token.docs.js';

/** A text of 1 to `limit` characters (UTF-16 code units). The first thing that is wrong with a value is the one reported. */
export function RequiredText(limit: number): PropertyDecorator {
  return RefusedIf('required_text', (value) => problemOf(value, limit), {
    type: 'string',
    minLength: 1,
    maxLength: limit,
  });
}

function problemOf(value: unknown, limit: number): string | undefined {
  if (value === undefined || value === null) return 'is required.';
  if (typeof value !== 'string') return 'must be a string.';
  if (value === '') return 'must not be empty.';
  return value.length > limit ? `must have at most ${limit} characters.` : undefined;
}

/**
 * Only what no address and no password can be is refused by field; all else is right or wrong. Both limits leave room for
 * what normalization takes away: blanks around an address, and characters of a password that were typed in pieces.
 */
const LIMIT = 1_024;

/** The body of a login. */
export class CredentialsDto {
  @RequiredText(LIMIT)
  readonly email!: string;

  @RequiredText(LIMIT)
  readonly password!: string;
}

/** The body of a request about a login that was made before. */
export class RefreshTokenDto {
  @RequiredText(1_024)
  readonly refresh!: string;
}

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
