import { Injectable } from '@nestjs/common';
import { unauthorized } from '../../common/errors.js';
import { normalizeEmail } from '../../tenants/user.js';
import { RefreshTokens } from '../../tenants/refresh-tokens.service.js';
import { Users } from '../../tenants/users.service.js';
import { Tokens } from '../tokens/tokens.service.js';
import { LoginThrottle } from './login.throttle.js';

/** What a logged-in user holds: an access token for 60 minutes, and what gets the next ones (see {@link RefreshTokens}). */
export interface TokenPair {
  readonly access: string;
  readonly refresh: string;
}

/** Logins by email address and password. No answer tells whether an account exists. */
@Injectable()
export class LoginService {
  constructor(
    private readonly users: Users,
    private readonly refreshTokens: RefreshTokens,
    private readonly tokens: Tokens,
    private readonly throttle: LoginThrottle,
  ) {}

  /**
   * @param address the client's, as the throttle counts it
   * @throws ApiError 401 for a wrong address or password, 429 after too many of them, 503 when too many log in at once
   */
  async logIn({ email, password, address }: { email: string; password: string; address: string }): Promise<TokenPair> {
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
   * @param address the client's
   * @throws ApiError 401 when it is not good, for whatever reason, 503 when that cannot be found out now
   */
  async refresh(refreshToken: string, address: string): Promise<Pick<TokenPair, 'access'>> {
    const user = await this.refreshTokens.use(refreshToken, address);
    if (user === undefined) throw unauthorized('This refresh token is not valid, or not any more. Log in again.');
    return { access: await this.tokens.issueAccessToken(user) };
  }

  /**
   * Ends the login that a refresh token belongs to; a token that is not good has none to end.
   * @param address the client's
   */
  async logOut(refreshToken: string, address: string): Promise<void> {
    await this.refreshTokens.revoke(refreshToken, address);
  }
}
