import { LRUCache } from 'lru-cache';
import { networkOf } from '../common/address.network.js';
import { unavailable } from '../common/errors.js';
import type { ChangedKind, ControlPlaneChanges } from './control-plane.changes.js';
import { ControlPlaneUnavailableError } from './control-plane.database.js';

/** Look-ups a second that find nothing, of one network and in all. Each costs PostgreSQL about a tenth of a millisecond. */
const MAX_A_SECOND = { network: 50, total: 500 } as const;
const RETRY_AFTER_SECONDS = 1;

interface Second {
  readonly number: number;
  total: number;
  readonly byNetwork: Map<string, number>;
}

/** Bounds what made-up keys, origins and tokens cost the database. */
export class UnknownLimit {
  private second: Second = { number: -1, total: 0, byNetwork: new Map() };

  /** @param now in milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * Runs a look-up. Only those that find nothing count.
   * @param address the client's, if it is known
   * @throws ApiError 503 without running it, when too many found nothing within this second
   */
  async run<T>(address: string | undefined, lookUp: () => Promise<T | undefined>): Promise<T | undefined> {
    const second = this.currentSecond();
    const network = address === undefined ? '' : networkOf(address);
    const ofNetwork = second.byNetwork.get(network) ?? 0;
    if (second.total >= MAX_A_SECOND.total || (address !== undefined && ofNetwork >= MAX_A_SECOND.network)) {
      throw unavailable('Too many unknown keys are coming in. Send the request again.', RETRY_AFTER_SECONDS);
    }
    const add = (count: 1 | -1): void => {
      second.total += count;
      second.byNetwork.set(network, (second.byNetwork.get(network) ?? 0) + count);
    };
    // Running look-ups count too, since many may come at once.
    add(1);
    let isUnknown = false;
    try {
      const found = await lookUp();
      isUnknown = found === undefined;
      return found;
    } finally {
      if (!isUnknown) add(-1);
    }
  }

  private currentSecond(): Second {
    const number = Math.floor(this.now() / 1000);
    if (this.second.number !== number) this.second = { number, total: 0, byNetwork: new Map() };
    return this.second;
  }
}

/** How long a value is used without asking the database, while changes are heard: longer than any message takes. */
const FRESH_MS = 5_000;
/** How long a database that gave no answer is not asked again. */
const ASK_AGAIN_AFTER_MS = 5_000;
/** How long a value is used while the database is away: long enough for a failover, short enough for a revocation. */
const STALE_MS = 5 * 60_000;
/** Of each kind, known and unknown. */
const MAX_KEYS = 10_000;

interface Known<V> {
  readonly value: V;
  readonly freshUntil: number;
  /** Later than now while the database gives no answer. */
  askAgainAt: number;
}

/**
 * Values of the control plane by key, from memory where possible. After a change that {@link ControlPlaneChanges} announced the
 * next `find` sees it; an instance that hears no changes asks the database every time. Keys without a value are cached apart,
 * so that made-up keys evict no real ones.
 */
export class CachedLookup<V extends object> {
  private readonly known = new LRUCache<string, Known<V>>({ max: MAX_KEYS, ttl: STALE_MS });
  private readonly unknown = new LRUCache<string, true>({ max: MAX_KEYS, ttl: FRESH_MS });
  private readonly running = new Map<string, Promise<V | undefined>>();
  /** A query that began before the last change may have read an outdated value. */
  private changesHeard = 0;

  /** @param load asks the database for the value; undefined when there is none */
  constructor(
    private readonly changes: ControlPlaneChanges,
    kind: ChangedKind,
    private readonly load: (key: string) => Promise<V | undefined>,
    private readonly unknownLimit = new UnknownLimit(),
  ) {
    changes.subscribe(kind, (key) => this.onChange(key));
  }

  /** The value, `null` when it is known that there is none, `undefined` when only {@link find} can tell. */
  peek(key: string): V | null | undefined {
    const entry = this.known.get(key);
    const { areHeard } = this.changes;
    if (entry !== undefined) {
      const now = performance.now();
      return (areHeard && entry.freshUntil > now) || entry.askAgainAt > now ? entry.value : undefined;
    }
    return areHeard && this.unknown.has(key) ? null : undefined;
  }

  /**
   * The value, or `undefined` when there is none. A value of the last 5 s comes from memory as long as changes are heard; while
   * the database is down, values of the last 5 minutes stay valid.
   * @param address of the client that sent the key, where anybody may send one
   * @throws ControlPlaneUnavailableError when the database is down and no value is cached
   * @throws ApiError 503 while too many unknown keys come ({@link UnknownLimit}) and no value is cached
   */
  async find(key: string, address?: string): Promise<V | undefined> {
    const cached = this.peek(key);
    return cached === undefined ? this.lookUpOnce(key, address) : (cached ?? undefined);
  }

  /** Concurrent requests for the same key share one query, unless a change came between them. */
  private lookUpOnce(key: string, address: string | undefined): Promise<V | undefined> {
    const running = this.running.get(key);
    if (running !== undefined) return running;
    const lookup = this.lookUp(key, address).finally(() => {
      if (this.running.get(key) === lookup) this.running.delete(key);
    });
    this.running.set(key, lookup);
    return lookup;
  }

  private async lookUp(key: string, address: string | undefined): Promise<V | undefined> {
    if (!this.known.has(key)) return this.unknownLimit.run(address, () => this.ask(key));
    try {
      return await this.ask(key);
    } catch (error) {
      const stale = this.known.get(key);
      if (stale === undefined) throw error;
      // Its TTL stays as it is.
      stale.askAgainAt = performance.now() + ASK_AGAIN_AFTER_MS;
      return stale.value;
    }
  }

  private async ask(key: string): Promise<V | undefined> {
    try {
      await this.changes.listen();
      const changesHeard = this.changesHeard;
      const value = await this.load(key);
      if (changesHeard === this.changesHeard) this.keep(key, value);
      return value;
    } catch (error) {
      throw new ControlPlaneUnavailableError(error);
    }
  }

  private keep(key: string, value: V | undefined): void {
    if (value === undefined) {
      this.known.delete(key);
      this.unknown.set(key, true);
    } else {
      this.known.set(key, { value, freshUntil: performance.now() + FRESH_MS, askAgainAt: -Infinity });
      this.unknown.delete(key);
    }
  }

  private onChange(key: string | undefined): void {
    this.changesHeard++;
    for (const cache of [this.known, this.unknown, this.running]) {
      if (key === undefined) cache.clear();
      else cache.delete(key);
    }
  }
}
