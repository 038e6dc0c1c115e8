import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Redis } from 'ioredis';
import { tooManyRequests } from '../../common/errors.js';
import { Configuration } from '../../config/configuration.js';
import { LimiterMetrics } from '../../metrics/limiter.metrics.js';
import { networkOf } from './address.network.js';
import { FailureCounter } from './failure.counter.js';
import { Turns } from './turns.js';

const WINDOW_SECONDS = 15 * 60;

/**
 * Of one account from one address: whoever mistypes has a few more, whoever guesses gets 480 a day. It is the only limit
 * that an ordinary user meets, and others' failures do not count towards it.
 */
const ACCOUNT_AT_ADDRESS = 5;
/** Of one address, whatever the account: stops one password being tried on many accounts, and lets an office share it. */
const ADDRESS = 50;
/**
 * Of one account, from all addresses: stops guessing from many. While it lasts the owner is locked out too, so it takes 20
 * addresses that have each used up their own five failures to bring that about.
 */
const ACCOUNT = 100;

interface Attempt {
  /** The email address, normalized. */
  readonly account: string;
  /** Of the client, IPv4 or IPv6. */
  readonly address: string;
}

/**
 * Stops guessing of passwords: counts failed logins over all instances, and lets nobody try who has had too many, whether
 * or not the account exists or the password would be right.
 */
@Injectable()
export class LoginThrottle {
  private readonly accountAtAddress: FailureCounter;
  private readonly address: FailureCounter;
  private readonly account: FailureCounter;
  private readonly turns = new Turns();

  constructor(
    @Inject(Redis) redis: Redis | null,
    { queuePrefix }: Configuration,
    private readonly metrics: LimiterMetrics,
  ) {
    const counter = (name: string, limit: number, onAlone?: () => void): FailureCounter =>
      new FailureCounter(redis, {
        keyPrefix: `${queuePrefix}:logins:${name}`,
        limit,
        windowSeconds: WINDOW_SECONDS,
        ...(onAlone === undefined ? {} : { onAlone }),
      });
    this.accountAtAddress = counter('account-at-address', ACCOUNT_AT_ADDRESS);
    this.address = counter('address', ADDRESS);
    // Every attempt asks each of them once; one tells for all.
    this.account = counter('account', ACCOUNT, () => {
      metrics.failed('login');
    });
  }

  /**
   * Runs `check`, whose `undefined` is a failure. An account's attempts take turns, so that guesses sent all at once are
   * stopped like any others; each further instance they are sent to is good for one more.
   * @throws ApiError 429 without running it, after too many failures; what `check` throws, which is no failure
   */
  async attempt<T>({ account, address }: Attempt, check: () => Promise<T | undefined>): Promise<T | undefined> {
    // Redis need not know who logs in.
    const accountKey = hash('sha256', account);
    const addressKey = networkOf(address);
    const bothKey = `${accountKey}:${addressKey}`;
    return this.turns.take(accountKey, async () => {
      this.refuseFor(
        await Promise.all([
          this.accountAtAddress.msToWait(bothKey),
          this.address.msToWait(addressKey),
          this.account.msToWait(accountKey),
        ]),
      );
      const result = await check();
      if (result === undefined) {
        await Promise.all([
          this.accountAtAddress.add(bothKey),
          this.address.add(addressKey),
          this.account.add(accountKey),
        ]);
      } else {
        await this.accountAtAddress.clear(bothKey);
      }
      return result;
    });
  }

  private refuseFor(waits: readonly number[]): void {
    const seconds = Math.ceil(Math.max(...waits) / 1000);
    if (seconds > 0) {
      this.metrics.limited('login');
      throw tooManyRequests(`Too many logins have failed. Try again in ${seconds} s.`, seconds);
    }
  }
}
