import { Injectable } from '@nestjs/common';
import { unauthorized } from '../../common/errors.js';
import { normalizeEmail } from '../../tenants/email.js';
import { type RefreshableLogin, RefreshTokens } from '../../tenants/refresh-tokens.service.js';
import { Users } from '../../tenants/users.service.js';
import { Tokens } from '../tokens/tokens.service.js';
import { LoginThrottle } from './login.throttle.js';

/** What a logged-in user holds: an access token for 60 minutes, and what gets the next one, once, within 30 days. */
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
      return user === undefined ? undefined : this.refreshTokens.start(user);
    });
    if (login === undefined) {
      throw unauthorized('The email address or the password is wrong.');
    }
    return this.toPair(login);
  }

  /**
   * The next tokens of a login. The refresh token is used up: a second use ends the login.
   * @throws ApiError 401 when it is not good, for whatever reason
   */
  async refresh(refreshToken: string): Promise<TokenPair> {
    const login = await this.refreshTokens.exchange(refreshToken);
    if (login === undefined) {
      throw unauthorized('This refresh token is not valid, or not any more. Log in again.');
    }
    return this.toPair(login);
  }

  /** Ends the login that a refresh token belongs to; a token that is not good has none to end. */
  async logOut(refreshToken: string): Promise<void> {
    await this.refreshTokens.revoke(refreshToken);
  }

  private async toPair({ user, refreshToken }: RefreshableLogin): Promise<TokenPair> {
    const access = await this.tokens.issueAccessToken({ userId: user.id, tenantId: user.tenantId });
    return { access, refresh: refreshToken };
  }
}
