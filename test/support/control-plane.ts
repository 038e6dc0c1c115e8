import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { TEST_ENCRYPTION_KEY } from './control-plane.services.js';
import { freshDataDir } from './data-dir.js';
import { fromGlobalSetup } from './servers.js';

/** The database that others are copied from. */
export const TEMPLATE = 'template_segops';

/** An empty control plane that no other spec uses. */
export interface FreshControlPlane {
  /** The settings that lead a service or a command to it, with `DATA_DIR` as it was given. */
  readonly environment: Readonly<Record<string, string>>;
  readonly drop: () => Promise<void>;
}

/**
 * A database in the PostgreSQL that the test run shares, which costs a service nothing to open. Where PostgreSQL is not installed,
 * the embedded control plane, which takes a second of CPU time at each start.
 * @param dataDir the `DATA_DIR` of the service that it is for; without one an embedded control plane is made at that service's start
 */
export async function freshControlPlane(dataDir?: string): Promise<FreshControlPlane> {
  if (process.env['TEST_POSTGRES_URL'] === undefined) {
    if (dataDir !== undefined) await freshDataDir(dataDir);
    return { environment: {}, drop: () => Promise.resolve() };
  }
  const server = fromGlobalSetup('TEST_POSTGRES_URL');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await run(server, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  return {
    environment: { DATABASE_URL: new URL(`/${name}`, server).href, ENCRYPTION_KEY: TEST_ENCRYPTION_KEY },
    drop: () => run(server, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

/** Makes the database that others are copied from. @param migrate brings the database at a URL up to date */
export async function createTemplate(server: string, migrate: (url: string) => Promise<void>): Promise<void> {
  await run(server, `CREATE DATABASE ${TEMPLATE}`);
  await migrate(new URL(`/${TEMPLATE}`, server).href);
}

async function run(server: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
