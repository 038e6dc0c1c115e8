import { LRUCache } from 'lru-cache';
import type { ApiKey } from './api-key.js';

/** How long an answer of the database is used without asking again. A revocation is heard of long before, unless it is not. */
const FRESH_MS = 5_000;
/** How long a known key outlives the database. Long enough for a fail-over, short enough for a revocation. */
const STALE_MS = 5 * 60_000;
/** Of each kind. About 10 MB when both are full. */
const MAX_KEYS = 10_000;

interface KnownKey {
  readonly apiKey: ApiKey;
  freshUntil: number;
}

/** What the database said about keys, by their hash. Made-up keys have a place of their own and push no real ones out. */
export class ApiKeyCache {
  private readonly known = new LRUCache<string, KnownKey>({ max: MAX_KEYS, ttl: STALE_MS });
  private readonly unknown = new LRUCache<string, true>({ max: MAX_KEYS, ttl: FRESH_MS });

  /** The key, `null` when it is known not to exist, `undefined` when the database has to be asked. */
  get(hash: string): ApiKey | null | undefined {
    const entry = this.known.get(hash);
    if (entry !== undefined) {
      return entry.freshUntil > performance.now() ? entry.apiKey : undefined;
    }
    return this.unknown.has(hash) ? null : undefined;
  }

  set(hash: string, apiKey: ApiKey | null): void {
    if (apiKey === null) {
      this.known.delete(hash);
      this.unknown.set(hash, true);
    } else {
      this.known.set(hash, { apiKey, freshUntil: performance.now() + FRESH_MS });
      this.unknown.delete(hash);
    }
  }

  /** The key is not valid any more. */
  forget(hash: string): void {
    this.known.delete(hash);
  }

  /** What it knows may be outdated. */
  clear(): void {
    this.known.clear();
    this.unknown.clear();
  }

  /** For when the database is down: a key it confirmed lately counts as fresh once more, without prolonging its stay. */
  extend(hash: string): ApiKey | undefined {
    const entry = this.known.get(hash);
    if (entry === undefined) {
      return undefined;
    }
    entry.freshUntil = performance.now() + FRESH_MS;
    return entry.apiKey;
  }
}
