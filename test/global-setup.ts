import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ClickHouseServer } from '../src/embedded/clickhouse.server.js';
import { PubSubEmulator } from '../src/embedded/pubsub.emulator.js';
import { RedisServer } from '../src/embedded/redis.server.js';
import { openControlPlane } from '../src/tenants/open-control-plane.js';
import { createTemplate } from './support/control-plane.js';
import { postgresIsInstalled, PostgresServer } from './support/postgres.server.js';
import { sharedServers } from './shared-servers.js';

/** Starts the servers that all specs share, and makes the control plane that they copy. The servers end with this process, however it ends. */
export default async function globalSetup(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'segops-test-'));
  const dataDir = join(folder, 'template');
  const [redis, clickHouse, pubSub, postgres] = await Promise.all([
    RedisServer.start({ dataDir: join(folder, 'redis') }),
    ClickHouseServer.start({ dataDir: join(folder, 'clickhouse') }),
    PubSubEmulator.isInstalled ? PubSubEmulator.start({ dataDir: join(folder, 'pubsub') }) : undefined,
    postgresIsInstalled ? startPostgres() : undefined,
    openControlPlane({ dataDir }).then((database) => database.onApplicationShutdown()),
  ]);
  const servers = [redis, clickHouse, pubSub, postgres].filter((server) => server !== undefined);
  sharedServers.current = { folder, servers };
  process.env['TEST_REDIS_URL'] = redis.url;
  process.env['TEST_CLICKHOUSE_URL'] = clickHouse.url;
  process.env['TEST_DATA_DIR'] = dataDir;
  if (postgres !== undefined) process.env['TEST_POSTGRES_URL'] = postgres.url;
  if (pubSub !== undefined) process.env['TEST_PUBSUB_HOST'] = pubSub.host;
}

async function startPostgres(): Promise<PostgresServer> {
  const server = await PostgresServer.start();
  await createTemplate(server.url, async (databaseUrl) => {
    const open = () => openControlPlane({ databaseUrl, dataDir: '/nowhere' });
    // The service waits 5 s for PostgreSQL, which is not always enough while everything else starts on the same machine.
    const database = await open().catch(open).catch(open);
    await database.onApplicationShutdown();
  });
  return server;
}
