import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { Client, Pool } from 'pg';
import {
  type ChannelListener,
  ControlPlaneDatabase,
  ControlPlaneUnavailableError,
  type Listen,
  MIGRATIONS_FOLDER,
} from './control-plane.database.js';

/** The same on all instances: "segops" in ASCII. */
const MIGRATION_LOCK = '126879364247667';

/** A request waits for its credential, and must be answered within a second. */
const DEADLINE_MS = 900;

/** @throws ControlPlaneUnavailableError when PostgreSQL cannot be reached or rejects the migrations */
export async function openPostgres(url: string): Promise<ControlPlaneDatabase> {
  try {
    await migrateUnderLock(url);
  } catch (error) {
    throw new ControlPlaneUnavailableError(error);
  }
  const pool = new Pool({
    connectionString: url,
    connectionTimeoutMillis: DEADLINE_MS,
    query_timeout: DEADLINE_MS,
    keepAlive: true,
  });
  // A connection that dies in the pool is replaced on the next use; without a listener it would end the process.
  pool.on('error', (error) => new Logger('ControlPlane').warn(new ControlPlaneUnavailableError(error).message));
  const listeners: PostgresListener[] = [];
  const listen: Listen = async (channel, listener) => {
    listeners.push(await PostgresListener.start(url, channel, listener));
  };
  return new ControlPlaneDatabase(placeOf(url), drizzle(pool), listen, async () => {
    await Promise.all(listeners.map((listener) => listener.stop()));
    await pool.end();
  });
}

/** As `pg` understands the URL. */
function placeOf(url: string): string {
  const { host, port, database } = new Client({ connectionString: url });
  return `PostgreSQL at ${host}:${port}, database ${String(database)}`;
}

/** Instances that start together take turns: the first migrates, the others find nothing left to do. */
async function migrateUnderLock(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await migrate(drizzle(client), { migrationsFolder: MIGRATIONS_FOLDER });
  } finally {
    // The lock ends with the connection.
    await client.end();
  }
}

const RECONNECT_EVERY_MS = 1_000;
/** Requests wait for the first connection, and must be answered within a second. */
const ANSWER_WITHIN_MS = 450;
/** Firewalls and load balancers silently drop idle connections. */
const KEEP_ALIVE_AFTER_MS = 10_000;

/** Listens to one channel (LISTEN), on a connection of its own that is made again whenever it breaks. */
export class PostgresListener {
  private readonly logger = new Logger('ControlPlane');
  private readonly stopping = new AbortController();
  private client: Client | undefined;
  private isAway = false;

  private constructor(
    private readonly url: string,
    private readonly channel: string,
    private readonly listener: ChannelListener,
  ) {}

  /** Returns once it listens, or once the first attempt failed; it then keeps trying. */
  static async start(url: string, channel: string, listener: ChannelListener): Promise<PostgresListener> {
    const started = new PostgresListener(url, channel, listener);
    await started.connect();
    return started;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new Client({
      connectionString: this.url,
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    });
    client.on('notification', ({ payload = '' }) => this.listener.onMessage(payload));
    const connection = { isLost: false };
    const lose = (error?: unknown): void => {
      if (connection.isLost) return;
      connection.isLost = true;
      this.onLost(error);
      void this.reconnect();
    };
    client.on('error', lose);
    client.on('end', () => lose());
    this.client = client;
    try {
      await client.connect();
      await client.query(`LISTEN ${client.escapeIdentifier(this.channel)}`);
      // It may break between the answer and its reading.
      if (!connection.isLost) this.onListening();
    } catch (error) {
      lose(error);
      await client.end().catch(() => undefined);
    }
  }

  private onListening(): void {
    this.listener.onListening();
    if (this.isAway) this.logger.log('Changes by other instances are heard again.');
    this.isAway = false;
  }

  /** One line, however often the reconnection fails. */
  private onLost(error: unknown): void {
    this.listener.onLost();
    if (this.isAway || this.stopping.signal.aborted) return;
    this.isAway = true;
    const { message } = new ControlPlaneUnavailableError(error);
    this.logger.warn(`Changes by other instances are not heard, so every request asks the database. ${message}`);
  }

  private async reconnect(): Promise<void> {
    await sleep(RECONNECT_EVERY_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    if (!this.stopping.signal.aborted) await this.connect();
  }
}
