import { Logger } from '@nestjs/common';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { Client, Pool } from 'pg';
import { ControlPlaneDatabase, type Listen } from './control-plane.database.js';
import { ControlPlaneUnavailableError } from './control-plane-unavailable.error.js';
import { PostgresListener } from './postgres.listener.js';
import { MIGRATIONS_FOLDER } from './migrations.folder.js';

/** Any fixed number will do, as long as all instances use the same: "segops" in ASCII. */
const MIGRATION_LOCK = '126879364247667';

/** A request waits for its credential, and must be answered within a second when there is no answer. */
const DEADLINE_MS = 900;

/** @throws ControlPlaneUnavailableError when PostgreSQL cannot be reached or refuses the migrations. */
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
  pool.on('error', (error) => {
    new Logger('ControlPlane').warn(new ControlPlaneUnavailableError(error).message);
  });
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
