import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { ClickHouseServer } from '../../src/embedded/clickhouse.server.js';
import { createClickHouseClient } from '../../src/warehouse/clickhouse.client.js';
import { Migrator } from '../../src/warehouse/migrator.js';

/** A ClickHouse of its own for a while, with the service's tables in a database `bench`. */
export async function withClickHouse<T>(
  folder: string,
  use: (client: ClickHouseClient, url: string, serverUrl: string) => Promise<T>,
): Promise<T> {
  const server = await ClickHouseServer.start({ dataDir: join(folder, 'clickhouse') });
  const url = `${server.url}/bench`;
  const client = createClickHouseClient(url, 4);
  try {
    await new Migrator(client, url).migrate();
    return await use(client, url, server.url);
  } finally {
    await client.close();
    await server.stop();
  }
}
