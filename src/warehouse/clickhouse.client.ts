import { ClickHouseClient, ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client';
import { OperatorError } from '../common/operator.error.js';

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

const NAME = /^[\w-]+$/;

/**
 * A ClickHouse cluster, and the two databases in it: what is stored is in replicated tables of `localDatabase` on each shard, and
 * `database`, which everybody asks and inserts into, has a Distributed table of the same name over each of them.
 */
export class WarehouseCluster {
  private static readonly ofClients = new WeakMap<ClickHouseClient, WarehouseCluster>();
  readonly localDatabase: string;

  /**
   * @param name as in `remote_servers`
   * @throws OperatorError when one of the names cannot be used in statements as it is
   */
  constructor(
    readonly name: string,
    readonly database: string,
  ) {
    if (!NAME.test(name) || !NAME.test(database)) {
      throw new OperatorError(
        'With CLICKHOUSE_CLUSTER, its name and that of the database in CLICKHOUSE_URL must be of letters, digits, "_" and "-".',
      );
    }
    this.localDatabase = `${database}_local`;
  }

  /** The cluster that `CLICKHOUSE_CLUSTER` and `CLICKHOUSE_URL` speak of; undefined where it is a server by itself. */
  static from(name: string | undefined, clickhouseUrl: string): WarehouseCluster | undefined {
    if (name === undefined) return undefined;
    const database = databaseIn(clickhouseUrl);
    return new WarehouseCluster(name, database === '' ? 'default' : database);
  }

  /** The cluster that a client was made for. */
  static of(client: ClickHouseClient): WarehouseCluster | undefined {
    return this.ofClients.get(client);
  }

  /** What a client talks to from now on. */
  isBehind(client: ClickHouseClient): void {
    WarehouseCluster.ofClients.set(client, this);
  }

  /** The part of a statement that makes all servers carry it out. */
  get clause(): string {
    return `ON CLUSTER \`${this.name}\``;
  }

  /** The table on the shards that is called so, for a statement that each of them carries out by itself. */
  localTable(table: string): string {
    return `\`${this.localDatabase}\`.${table}`;
  }
}
