import { applyDecorators, Body, Controller, Header, HttpCode, Ip, Post } from '@nestjs/common';
import {
  ApiBody,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiSchema,
  ApiServiceUnavailableResponse,
  ApiTooManyRequestsResponse,
  ApiUnauthorizedResponse,
} from '@nestjs/swagger';
import { RejectedIf } from '../../common/dto.pipe.js';
import { unauthorized } from '../../common/errors.js';
import { RefreshTokens } from '../../tenants/refresh-tokens.service.js';
import { normalizeEmail } from '../../tenants/user.js';
import { Users } from '../../tenants/users.service.js';
import { Accepts, EVERYBODY } from '../principal.js';
import { Tokens } from '../tokens/tokens.service.js';
import { LoginThrottle } from './login.throttle.js';

/**
 * UTF-16 code units. Longer texts are rejected by field; shorter ones are right or wrong. The limit is far above those of an
 * address and of a password, since normalization makes both shorter.
 */
const MAX_LENGTH = 1_024;

const Text = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ type: 'string', minLength: 1, maxLength: MAX_LENGTH }),
    RejectedIf('required_text', problemOf),
  );

function problemOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return 'is required.';
  if (typeof value !== 'string') return 'must be a string.';
  if (value === '') return 'must not be empty.';
  return value.length > MAX_LENGTH ? `must have at most ${MAX_LENGTH} characters.` : undefined;
}

@ApiSchema({ name: 'Credentials' })
export class CredentialsDto {
  @Text()
  readonly email!: string;

  @Text()
  readonly password!: string;
}

/** The body of a request about an earlier login. */
@ApiSchema({ name: 'RefreshToken' })
export class RefreshTokenDto {
  @Text()
  readonly refresh!: string;
}

class AccessTokenBody {
  @ApiProperty() readonly access!: string;
}

class TokenPairBody extends AccessTokenBody {
  @ApiProperty() readonly refresh!: string;
}

/** For the API's documentation. */
const A_REFRESH_TOKEN = { 'a refresh token': { value: { refresh: 'the refresh token of the login' } } };

/** Logins of the people who work for tenants. No answer tells whether an account exists. */
@Controller('api/auth/token')
@Accepts(EVERYBODY)
export class TokenController {
  constructor(
    private readonly users: Users,
    private readonly refreshTokens: RefreshTokens,
    private readonly tokens: Tokens,
    private readonly throttle: LoginThrottle,
  ) {}

  /** @throws ApiError 401 for a wrong address or password, 429 after too many of them, 503 when too many log in at once */
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
  async create(@Body() { email, password }: CredentialsDto, @Ip() address: string): Promise<TokenPairBody> {
    const login = await this.throttle.attempt({ account: normalizeEmail(email), address }, async () => {
      const user = await this.users.authenticate(email, password);
      const refresh = user && (await this.refreshTokens.start(user));
      return user && refresh ? { user, refresh } : undefined;
    });
    if (login === undefined) throw unauthorized('The email address or the password is wrong.');
    return { access: await this.tokens.issueAccessToken(login.user), refresh: login.refresh };
  }

  /**
   * The next access token of a login. The refresh token stays good.
   * @throws ApiError 401 for a token that is not good, 503 when it cannot be checked now
   */
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
  async refresh(@Body() { refresh }: RefreshTokenDto, @Ip() address: string): Promise<AccessTokenBody> {
    const user = await this.refreshTokens.use(refresh, address);
    if (user === undefined) throw unauthorized('This refresh token is not valid, or not any more. Log in again.');
    return { access: await this.tokens.issueAccessToken(user) };
  }

  /** Ends the login that the token belongs to, if there is one. */
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
    return this.refreshTokens.revoke(refresh, address);
  }
}
