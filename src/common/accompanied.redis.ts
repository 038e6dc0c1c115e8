import { Redis, type RedisOptions } from 'ioredis';

type Companion = (redis: Redis) => void;

/**
 * A connection whose commands can carry commands of others. One message is one write to Redis's disk; commands that are sent
 * apart, even a microsecond earlier, cost a write of their own that this one waits for.
 */
export class AccompaniedRedis extends Redis {
  /** By URL: any connection of this process to the same Redis may carry them. */
  private static readonly waiting = new Map<string, Companion[]>();

  constructor(
    private readonly url: string,
    options: RedisOptions,
  ) {
    super(url, options);
    // Up to ioredis 5.11 the timer of `socketTimeout` outlives its connection, and ends the next one.
    const watch = this as unknown as { socketTimeoutTimer: NodeJS.Timeout | undefined };
    this.on('close', () => {
      clearTimeout(watch.socketTimeoutTimer);
      watch.socketTimeoutTimer = undefined;
    });
  }

  /**
   * Calls `companion` with a connection right before the next command of this process, so that both are in one message; or at the
   * end of this turn of the event loop.
   */
  accompanyNext(companion: Companion): void {
    const waiting = AccompaniedRedis.waiting.get(this.url);
    if (waiting !== undefined) {
      waiting.push(companion);
      return;
    }
    AccompaniedRedis.waiting.set(this.url, [companion]);
    setImmediate(() => this.sendCompanions());
  }

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    if (!AccompaniedRedis.waiting.has(this.url) || this.status !== 'ready') return super.sendCommand(...args);
    const { stream } = this;
    stream.cork();
    try {
      this.sendCompanions();
      return super.sendCommand(...args);
    } finally {
      stream.uncork();
    }
  }

  private sendCompanions(): void {
    const waiting = AccompaniedRedis.waiting.get(this.url) ?? [];
    AccompaniedRedis.waiting.delete(this.url);
    for (const companion of waiting) companion(this);
  }
}
