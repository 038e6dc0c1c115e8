import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { MessageHandler } from './control-plane.database.js';

const RECONNECT_EVERY_MS = 1_000;
/** Requests wait for the first connection, and must be answered within a second. */
const CONNECT_WITHIN_MS = 900;

/**
 * Hears what is said on one channel of PostgreSQL (LISTEN), on a connection of its own that is made again whenever it
 * breaks. What was said meanwhile is lost, so the handler is then called with `undefined`.
 */
export class PostgresListener {
  private readonly stopping = new AbortController();
  private client: Client | undefined;

  private constructor(
    private readonly url: string,
    private readonly channel: string,
    private readonly onMessage: MessageHandler,
  ) {}

  /** Returns once it listens, or once the first attempt has failed; then it goes on trying. */
  static async start(url: string, channel: string, onMessage: MessageHandler): Promise<PostgresListener> {
    const listener = new PostgresListener(url, channel, onMessage);
    await listener.connect();
    return listener;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.client?.end().catch(() => undefined);
  }

  /** @returns whether it listens now */
  private async connect(): Promise<boolean> {
    const client = new Client({
      connectionString: this.url,
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      keepAlive: true,
    });
    client.on('notification', ({ payload }) => {
      this.onMessage(payload);
    });
    let ended = false;
    const reconnect = (): void => {
      if (ended) return;
      ended = true;
      void this.reconnect();
    };
    client.on('error', reconnect);
    client.on('end', reconnect);
    this.client = client;
    try {
      await client.connect();
      await client.query(`LISTEN ${client.escapeIdentifier(this.channel)}`);
      return true;
    } catch {
      reconnect();
      await client.end().catch(() => undefined);
      return false;
    }
  }

  private async reconnect(): Promise<void> {
    await sleep(RECONNECT_EVERY_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    if (this.stopping.signal.aborted) return;
    if (await this.connect()) this.onMessage(undefined);
  }
}
