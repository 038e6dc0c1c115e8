import { ClickHouseClient, ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client';
import type { WarehouseCluster } from './warehouse.cluster.js';

/** Sockets beyond the workers' own: queries, health checks, migrations. */
const SPARE_CONNECTIONS = 16;
/** An insert or a query that takes longer is given up; nothing that the service asks takes a tenth of it. */
const REQUEST_TIMEOUT_MS = 30_000;
/** ClickHouse closes idle connections after 10 s (30 s in newer versions). Closing first avoids writing into a closed one. */
const IDLE_SOCKET_TTL_MS = 8_000;

/** Through Distributed tables, and for statements that all servers of a cluster carry out. */
const ON_CLUSTER: ClickHouseSettings = {
  // The answer to an insert means that each shard has its rows, and not that a server will send them some time.
  distributed_foreground_insert: 1,
  // Several inserts that a server makes one would lose their tokens on their way to the shards.
  async_insert: 0,
  // Whatever meets in a question meets in a shard: see SHARDING_KEYS.
  distributed_product_mode: 'local',
  distributed_ddl_task_timeout: '25',
};

/** The name of the database that `CLICKHOUSE_URL` holds as its path; `''` when it holds none. */
export function databaseIn(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

/**
 * A client for the ClickHouse at `url` (`http(s)://user:password@host:port/database`).
 * The class `ClickHouseClient` is its injection token.
 * @param concurrency how many requests are made at once at most, besides a few spare ones
 * @param cluster the cluster that it is one server of, or many behind one address
 */
export function createClickHouseClient(url: string, concurrency: number, cluster?: WarehouseCluster): ClickHouseClient {
  const server = new URL(url);
  server.pathname = '';
  const database = databaseIn(url);
  const client = createClient({
    url: server,
    // By itself it would take the path as it is written, percent-encoded.
    ...(database && { database }),
    application: 'segops-ingestion',
    request_timeout: REQUEST_TIMEOUT_MS,
    max_open_connections: concurrency + SPARE_CONNECTIONS,
    keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_TTL_MS },
    // Errors are thrown and reported by whoever asked. The client's own log would print SQL and rows.
    log: { level: ClickHouseLogLevel.OFF },
    ...(cluster && { clickhouse_settings: ON_CLUSTER }),
  });
  cluster?.isBehind(client);
  return client;
}
