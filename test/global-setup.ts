import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ClickHouseServer } from '../src/embedded/clickhouse.server.js';
import { PubSubEmulator } from '../src/embedded/pubsub.emulator.js';
import { RedisServer } from '../src/embedded/redis.server.js';
import { openControlPlane } from '../src/tenants/open-control-plane.js';
import { sharedServers } from './shared-servers.js';

/** Starts the servers that all specs share, and makes the control plane that they copy. The servers end with this process, however it ends. */
export default async function globalSetup(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'segops-test-'));
  const dataDir = join(folder, 'template');
  const [redis, clickHouse, pubSub] = await Promise.all([
    RedisServer.start({ dataDir: join(folder, 'redis') }),
    ClickHouseServer.start({ dataDir: join(folder, 'clickhouse') }),
    PubSubEmulator.isInstalled ? PubSubEmulator.start({ dataDir: join(folder, 'pubsub') }) : undefined,
    openControlPlane({ dataDir }).then((database) => database.onApplicationShutdown()),
  ]);
  const servers = [redis, clickHouse];
  sharedServers.current = { folder, servers: pubSub === undefined ? servers : [...servers, pubSub] };
  process.env['TEST_REDIS_URL'] = redis.url;
  process.env['TEST_CLICKHOUSE_URL'] = clickHouse.url;
  process.env['TEST_DATA_DIR'] = dataDir;
  if (pubSub !== undefined) process.env['TEST_PUBSUB_HOST'] = pubSub.host;
}
