import type { Redis } from 'ioredis';
import { firstConnection } from '../../common/redis.connections.js';
import { MAX_BROKEN, NOTE_LIFE_MS } from '../idempotency.store.js';
import type { AttemptKeys } from './attempt.keys.js';

/**
 * The fingerprints under which there is something to take over, kept up to date by what instances publish: nearly every
 * request has none of them, and need not ask Redis.
 */
export class ContestedFingerprints {
  /** By when it is forgotten, the oldest first. */
  private readonly until = new Map<string, number>();

  /** @param subscriber a connection of its own */
  constructor(
    private readonly redis: Redis,
    private readonly subscriber: Redis,
    private readonly keys: AttemptKeys,
  ) {
    subscriber.on('error', () => undefined);
    subscriber.on('message', (_channel: string, fingerprint: string) => {
      this.add(fingerprint);
    });
    subscriber.on('ready', () => void this.catchUp());
  }

  /** Resolves when it knows what there is; without a connection too, which then is made in the background. */
  async start(): Promise<void> {
    await firstConnection(this.subscriber);
    await this.catchUp();
  }

  close(): void {
    this.subscriber.disconnect();
  }

  has(fingerprint: string): boolean {
    const until = this.until.get(fingerprint);
    return until !== undefined && until > performance.now();
  }

  add(fingerprint: string): void {
    const now = performance.now();
    this.until.delete(fingerprint);
    this.until.set(fingerprint, now + NOTE_LIFE_MS);
    for (const [oldest, until] of this.until) {
      if (until > now && this.until.size <= MAX_BROKEN.total) break;
      this.until.delete(oldest);
    }
  }

  drop(fingerprint: string): void {
    this.until.delete(fingerprint);
  }

  /** First listens, then reads what was said before. */
  private async catchUp(): Promise<void> {
    try {
      await this.subscriber.subscribe(this.keys.changes);
      for (const fingerprint of await this.redis.zrange(this.keys.index, 0, -1)) this.add(fingerprint);
    } catch {
      // The connection is away again, and this is done again when it is back.
    }
  }
}
