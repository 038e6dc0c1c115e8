import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ClickHouseServer } from '../src/embedded/clickhouse.server.js';
import { RedisServer } from '../src/embedded/redis.server.js';
import { sharedServers } from './shared-servers.js';

/** Starts the Redis and the ClickHouse that all specs share. They end with this process, however it ends. */
export default async function globalSetup(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'segops-test-'));
  const redis = await RedisServer.start({ dataDir: join(folder, 'redis') });
  const clickHouse = await ClickHouseServer.start({ dataDir: join(folder, 'clickhouse') });
  sharedServers.current = { folder, servers: [redis, clickHouse] };
  process.env['TEST_REDIS_URL'] = redis.url;
  process.env['TEST_CLICKHOUSE_URL'] = clickHouse.url;
}
