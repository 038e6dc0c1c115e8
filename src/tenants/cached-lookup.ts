import { LRUCache } from 'lru-cache';
import type { ChangedKind, ControlPlaneChanges } from './control-plane.changes.js';
import { ControlPlaneUnavailableError } from './control-plane-unavailable.error.js';
import { UnknownLimit } from './unknown.limit.js';

/** How long an answer of the database is used without asking again, while changes are heard: longer than any message takes. */
const FRESH_MS = 5_000;
/** How long nobody asks again a database that gave no answer. */
const ASK_AGAIN_AFTER_MS = 5_000;
/** How long a known value outlives the database. Long enough for a fail-over, short enough for a revocation. */
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
 * Answers of the control plane by key, from memory where it can be. A change that was told through
 * {@link ControlPlaneChanges} is seen by the next `find` of every instance that heard of it; an instance that hears
 * nothing asks the database every time. Keys without a value are remembered too, in a place of their own: made-up ones push
 * no real ones out.
 */
export class CachedLookup<V extends object> {
  private readonly known = new LRUCache<string, Known<V>>({ max: MAX_KEYS, ttl: STALE_MS });
  private readonly unknown = new LRUCache<string, true>({ max: MAX_KEYS, ttl: FRESH_MS });
  private readonly running = new Map<string, Promise<V | undefined>>();
  /** Counts the changes heard of: an answer that was asked for before one may be outdated. */
  private changesHeard = 0;

  /** @param load asks the database for the value; undefined when there is none */
  constructor(
    private readonly changes: ControlPlaneChanges,
    kind: ChangedKind,
    private readonly load: (key: string) => Promise<V | undefined>,
    private readonly unknownLimit = new UnknownLimit(),
  ) {
    changes.subscribe(kind, (key) => {
      this.onChange(key);
    });
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
   * The value, or `undefined` when there is none. What was asked for in the last 5 s and has not changed since is answered
   * from memory, as long as changes are heard. While the database is down, what it said within the last 5 minutes stays valid.
   * @param address of the client whose key it is, if anybody may send any
   * @throws ControlPlaneUnavailableError when the database is down and said nothing of the key lately
   * @throws ApiError 503 while too many unknown ones come, when it said nothing of the key lately ({@link UnknownLimit})
   */
  async find(key: string, address?: string): Promise<V | undefined> {
    const cached = this.peek(key);
    return cached === undefined ? this.lookUpOnce(key, address) : (cached ?? undefined);
  }

  /** Concurrent requests for the same key share one query, unless a change came between them. */
  private lookUpOnce(key: string, address: string | undefined): Promise<V | undefined> {
    const running = this.running.get(key);
    if (running !== undefined) {
      return running;
    }
    const lookup = this.lookUp(key, address).finally(() => {
      if (this.running.get(key) === lookup) this.running.delete(key);
    });
    this.running.set(key, lookup);
    return lookup;
  }

  private async lookUp(key: string, address: string | undefined): Promise<V | undefined> {
    if (!this.known.has(key)) {
      return this.unknownLimit.run(address, () => this.ask(key));
    }
    try {
      return await this.ask(key);
    } catch (error) {
      const stale = this.known.get(key);
      if (stale === undefined) {
        throw error;
      }
      // This does not prolong its stay.
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
    if (key === undefined) {
      this.known.clear();
      this.unknown.clear();
      this.running.clear();
    } else {
      this.known.delete(key);
      this.unknown.delete(key);
      this.running.delete(key);
    }
  }
}
