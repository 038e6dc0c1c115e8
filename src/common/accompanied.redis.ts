import { Redis, type RedisOptions } from 'ioredis';

type Companion = (redis: Redis) => void;

/**
 * A connection whose commands may take along others that wait for one. What travels in one message is in one write to
 * Redis's disk; sent apart, even a microsecond before, it would cost a write of its own that the command waits for.
 */
export class AccompaniedRedis extends Redis {
  /** By URL: who waits may travel on any of this process's connections to the same Redis. */
  private static readonly waiting = new Map<string, Companion[]>();

  constructor(
    private readonly url: string,
    options: RedisOptions,
  ) {
    super(url, options);
    // Up to ioredis 5.11 the timer of `socketTimeout` outlives a connection that was cut, and ends the next one.
    const watch = this as unknown as { socketTimeoutTimer: NodeJS.Timeout | undefined };
    this.on('close', () => {
      clearTimeout(watch.socketTimeoutTimer);
      watch.socketTimeoutTimer = undefined;
    });
  }

  /**
   * Has `companion` send its commands, on whatever connection it is given, right before the next command of this process and
   * in one message with it; at the end of this turn of the event loop if there is none.
   */
  accompanyNext(companion: Companion): void {
    const waiting = AccompaniedRedis.waiting.get(this.url);
    if (waiting !== undefined) {
      waiting.push(companion);
      return;
    }
    AccompaniedRedis.waiting.set(this.url, [companion]);
    setImmediate(() => {
      this.sendCompanions();
    });
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
