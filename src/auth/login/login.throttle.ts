import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Redis } from 'ioredis';
import { networkOf } from '../../common/address.network.js';
import { tooManyRequests } from '../../common/errors.js';
import { Configuration } from '../../config/configuration.js';
import { LimiterMetrics } from '../../metrics/api.metrics.js';
import { type LoginCount, LoginCounter } from './login.counter.js';

/** Runs work of the same key in turn. */
export class Turns {
  /** The last work of each key that has any. */
  private readonly last = new Map<string, Promise<unknown>>();
  /** How much of each group is running or waiting. */
  private readonly sizes = new Map<string, number>();

  /** @param overflow makes the error for more than `maxOfGroup` of one group that run or wait */
  constructor(
    private readonly maxOfGroup: number,
    private readonly overflow: () => Error,
  ) {}

  /** @throws what `overflow` makes, without running the work */
  async take<T>({ key, group }: { key: string; group: string }, work: () => Promise<T>): Promise<T> {
    const size = this.sizes.get(group) ?? 0;
    if (size >= this.maxOfGroup) throw this.overflow();
    this.sizes.set(group, size + 1);
    const before = this.last.get(key) ?? Promise.resolve();
    const turn = before.then(work, work).finally(() => {
      if (this.last.get(key) === turn) this.last.delete(key);
      const left = (this.sizes.get(group) ?? 1) - 1;
      if (left > 0) this.sizes.set(group, left);
      else this.sizes.delete(group);
    });
    this.last.set(key, turn);
    return turn;
  }
}

const WINDOW_SECONDS = 15 * 60;

/**
 * Failures of one account from one network. A user who mistypes has a few more; guessing gets 480 a day. Failures elsewhere do
 * not count.
 */
const ACCOUNT_AT_NETWORK = 5;
/** Of one network, over all accounts: stops one password tried on many accounts, and is enough for an office. */
const NETWORK = 50;
/**
 * Of one account, from all networks: stops guessing from many. Beyond the first bound a network has one attempt, beyond the
 * second none; but a network that the account has logged in from keeps its five, so that nobody can lock the owner out.
 */
const ACCOUNT = { oneAttempt: 100, none: 300 } as const;
/** How long an account's network is known after a login; timers in memory take no more than 24 days. */
const KNOWN_SECONDS = 20 * 24 * 60 * 60;

/** Concurrent attempts of one network, so that none fills the queue of passwords alone. */
const AT_ONCE = 20;
const TOO_MANY_AT_ONCE_RETRY_AFTER_SECONDS = 1;

interface Attempt {
  /** The email address, normalized. */
  readonly account: string;
  /** Of the client, IPv4 or IPv6. */
  readonly address: string;
}

/**
 * Stops guessing of passwords: counts failed logins over all instances, and rejects further attempts, whether or not the
 * account exists or the password is right.
 */
@Injectable()
export class LoginThrottle {
  private readonly accountAtNetwork: LoginCounter;
  private readonly network: LoginCounter;
  private readonly account: LoginCounter;
  private readonly known: LoginCounter;
  private readonly turns = new Turns(AT_ONCE, () => {
    this.metrics.limited('login');
    return tooManyRequests(
      'Too many logins from this network are under way. Send the request again.',
      TOO_MANY_AT_ONCE_RETRY_AFTER_SECONDS,
    );
  });

  constructor(
    @Inject(Redis) redis: Redis | null,
    { queuePrefix }: Configuration,
    private readonly metrics: LimiterMetrics,
  ) {
    const counter = (name: string, windowSeconds: number, onAlone?: () => void): LoginCounter =>
      new LoginCounter(redis, {
        keyPrefix: `${queuePrefix}:logins:${name}`,
        windowSeconds,
        ...(onAlone && { onAlone }),
      });
    this.accountAtNetwork = counter('account-at-address', WINDOW_SECONDS);
    this.network = counter('address', WINDOW_SECONDS);
    this.known = counter('known', KNOWN_SECONDS);
    // Each attempt asks every counter once; one reports for all.
    this.account = counter('account', WINDOW_SECONDS, () => metrics.failed('login'));
  }

  /**
   * Runs `check`, whose `undefined` is a failure. Attempts of an account from one network take turns, so that simultaneous
   * guesses are counted like others; each further instance allows one more.
   * @throws ApiError 429 without running it, after too many failures, or during too many attempts of the network; and what
   * `check` throws, which is no failure
   */
  async attempt<T>({ account, address }: Attempt, check: () => Promise<T | undefined>): Promise<T | undefined> {
    // Redis does not learn who logs in.
    const accountKey = hash('sha256', account);
    const networkKey = networkOf(address);
    const bothKey = `${accountKey}:${networkKey}`;
    return this.turns.take({ key: bothKey, group: networkKey }, async () => {
      const [own, network, all, known] = await Promise.all([
        this.accountAtNetwork.get(bothKey),
        this.network.get(networkKey),
        this.account.get(accountKey),
        this.known.get(bothKey),
      ]);
      const allowed = allowedAtNetwork(all, known);
      if (own.count >= allowed) this.reject(allowed === 0 ? all : own);
      if (network.count >= NETWORK) this.reject(network);
      const result = await check();
      if (result === undefined) {
        await Promise.all([
          this.accountAtNetwork.add(bothKey),
          this.network.add(networkKey),
          this.account.add(accountKey),
        ]);
      } else {
        await Promise.all([this.accountAtNetwork.clear(bothKey), this.known.begin(bothKey)]);
      }
      return result;
    });
  }

  private reject({ msLeft }: LoginCount): never {
    const seconds = Math.max(1, Math.ceil(msLeft / 1000));
    this.metrics.limited('login');
    throw tooManyRequests(`Too many logins have failed. Try again in ${seconds} s.`, seconds);
  }
}

/** How many failures of an account its network may have, by those of the account from all networks. */
function allowedAtNetwork(all: LoginCount, known: LoginCount): number {
  if (known.count > 0 || all.count < ACCOUNT.oneAttempt) return ACCOUNT_AT_NETWORK;
  return all.count < ACCOUNT.none ? 1 : 0;
}
