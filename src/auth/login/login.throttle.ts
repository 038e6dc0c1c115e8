import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Redis } from 'ioredis';
import { networkOf } from '../../common/address.network.js';
import { tooManyRequests } from '../../common/errors.js';
import { Configuration } from '../../config/configuration.js';
import { LimiterMetrics } from '../../metrics/api.metrics.js';
import { type LoginCount, LoginCounter } from './login.counter.js';

/** Runs work of the same key one after the other, in the order in which it came. */
export class Turns {
  /** The last work of each key that has any. */
  private readonly last = new Map<string, Promise<unknown>>();
  /** How much of each group is running or waiting. */
  private readonly sizes = new Map<string, number>();

  /**
   * @param maxOfGroup work of a group that may be running or waiting at the same moment
   * @param refusal what more of it is refused with
   */
  constructor(
    private readonly maxOfGroup: number,
    private readonly refusal: () => Error,
  ) {}

  /** @throws what `refusal` makes, without running the work, when the group has as much as it may */
  async take<T>({ key, group }: { key: string; group: string }, work: () => Promise<T>): Promise<T> {
    const size = this.sizes.get(group) ?? 0;
    if (size >= this.maxOfGroup) throw this.refusal();
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
 * Failures of one account from one network: whoever mistypes has a few more, whoever guesses gets 480 a day. It is the only
 * limit that an ordinary user meets, and others' failures do not count towards it.
 */
const ACCOUNT_AT_NETWORK = 5;
/** Of one network, whatever the account: stops one password being tried on many accounts, and lets an office share it. */
const NETWORK = 50;
/**
 * Of one account, from all networks: stops guessing from many. Beyond the first bound a network has one attempt, beyond the
 * second none. A network that the account has logged in from keeps its five, so nobody can lock the owner out there.
 */
const ACCOUNT = { oneAttempt: 100, none: 300 } as const;
/** How long an account's network is known after a login. Longer would be too long for the timers of a counter in memory. */
const KNOWN_SECONDS = 20 * 24 * 60 * 60;

/** Attempts of one network at the same moment, so that none of them can fill the queue of passwords alone. */
const AT_ONCE = 20;
const TOO_MANY_AT_ONCE_RETRY_AFTER_SECONDS = 1;

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
        ...(onAlone === undefined ? {} : { onAlone }),
      });
    this.accountAtNetwork = counter('account-at-address', WINDOW_SECONDS);
    this.network = counter('address', WINDOW_SECONDS);
    this.known = counter('known', KNOWN_SECONDS);
    // Every attempt asks each of them once; one tells for all.
    this.account = counter('account', WINDOW_SECONDS, () => {
      metrics.failed('login');
    });
  }

  /**
   * Runs `check`, whose `undefined` is a failure. An account's attempts from one network take turns, so that guesses sent
   * all at once are stopped like any others; each further instance they are sent to is good for one more.
   * @throws ApiError 429 without running it, after too many failures or beside too many attempts of the network; what
   * `check` throws, which is no failure
   */
  async attempt<T>({ account, address }: Attempt, check: () => Promise<T | undefined>): Promise<T | undefined> {
    // Redis need not know who logs in.
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
      if (own.count >= allowed) this.refuse(allowed === 0 ? all : own);
      if (network.count >= NETWORK) this.refuse(network);
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

  private refuse({ msLeft }: LoginCount): never {
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
