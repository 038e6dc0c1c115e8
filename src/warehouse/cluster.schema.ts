import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { createClickHouseClient, type WarehouseCluster } from './clickhouse.client.js';
import { SCHEMA_MIGRATIONS_COLUMNS, type SchemaPlace } from './schema.place.js';
import { UnusableWarehouseError } from './warehouse.errors.js';

/**
 * Which shard a row goes to, for each table that is divided among them. Rows that replace each other must meet in one shard,
 * and so must all that is kept of a user: then each shard answers a question about users, and removes them, by itself. A batch
 * that is inserted again goes the same ways, where its token is known. Only `ingestion_lag` is never inserted twice.
 */
export const SHARDING_KEYS = {
  events: 'sipHash64(tenant_id, user_id)',
  user_properties: 'sipHash64(tenant_id, user_id)',
  ingestion_errors: 'sipHash64(tenant_id, user_id)',
  compliance_requests: 'sipHash64(tenant_id, id)',
  erasures: 'sipHash64(tenant_id, id)',
  ingestion_lag: 'rand()',
} as const;

/** DDL of the table that everybody uses, over those of the shards. It holds nothing, and follows what they look like by now. */
export function distributedTable(cluster: WarehouseCluster, table: keyof typeof SHARDING_KEYS): string {
  const { name, database, localDatabase } = cluster;
  return `
    CREATE OR REPLACE TABLE \`${database}\`.${table} ${cluster.clause} AS ${cluster.localTable(table)}
    ENGINE = Distributed('${name}', '${localDatabase}', '${table}', ${SHARDING_KEYS[table]})`;
}

/** The path of a table's shard in Keeper, which its replicas share, and the replica's name there. */
const SHARDED = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'";

const TABLE = /^(CREATE TABLE IF NOT EXISTS|ALTER TABLE) (\w+)/m;
const VIEW = /^(CREATE MATERIALIZED VIEW IF NOT EXISTS) (\w+)/m;
/** A question that is kept, for people who ask the Distributed tables. */
const QUESTION = /^(CREATE VIEW IF NOT EXISTS) (\w+)/m;
const ENGINE = /^(ENGINE = )(\w*MergeTree)(?:\(([^)]*)\))?/m;

/**
 * A statement of a migration as a cluster needs it: carried out on each of its servers, with tables that keep copies on the
 * replicas of their shard. A plain view is made where the Distributed tables are, and asks those.
 * @throws Error when it is of a kind that is not known here
 */
export function onCluster(statement: string, { clause, database }: WarehouseCluster): string {
  if (QUESTION.test(statement)) {
    return statement
      .replace(QUESTION, `$1 \`${database}\`.$2 ${clause}`)
      .replace(/\bFROM events\b/g, `FROM \`${database}\`.events`);
  }
  const where = [TABLE, VIEW].find((kind) => kind.test(statement));
  if (where === undefined) {
    throw new Error('A migration may create tables and views and alter tables. What else is to run on a cluster?');
  }
  return statement
    .replace(where, `$1 $2 ${clause}`)
    .replace(ENGINE, (_, head: string, engine: string, parameters?: string) => {
      const all = [SHARDED, ...(parameters === undefined ? [] : [parameters])].join(', ');
      return `${head}Replicated${engine}(${all})`;
    })
    .replace(/\bnon_replicated_deduplication_window\b/g, 'replicated_deduplication_window');
}

const UNKNOWN_TABLE = '60';
const UNKNOWN_DATABASE = '81';

/**
 * The databases of a cluster. Statements go through its queue of DDL, which every server works off in the same order.
 * `schema_migrations` is on all servers, whatever their shard, so that whichever is asked knows.
 */
export class ClusterSchema implements SchemaPlace {
  readonly client: ClickHouseClient;

  constructor(
    private readonly cluster: WarehouseCluster,
    private readonly clickhouseUrl: string,
  ) {
    this.client = createClickHouseClient(this.urlOf(cluster.localDatabase), 1, cluster);
  }

  /** Leaves the queue alone where all is there: one server that is down would hold up every start. */
  async prepare(): Promise<void> {
    try {
      await this.client.command({ query: 'SELECT 1 FROM schema_migrations LIMIT 0' });
      return;
    } catch (error) {
      if (!(error instanceof ClickHouseError && [UNKNOWN_TABLE, UNKNOWN_DATABASE].includes(error.code))) throw error;
    }
    const { clause, database, localDatabase } = this.cluster;
    const client = createClickHouseClient(this.urlOf(''), 1, this.cluster);
    try {
      await this.requireNoOtherTables(client);
      for (const created of [localDatabase, database]) {
        await client.command({ query: `CREATE DATABASE IF NOT EXISTS \`${created}\` ${clause}` });
      }
    } finally {
      await client.close();
    }
    await this.client.command({
      query: `
        CREATE TABLE IF NOT EXISTS schema_migrations ${clause}
        ${SCHEMA_MIGRATIONS_COLUMNS}
        ENGINE = ReplicatedMergeTree('/clickhouse/tables/{database}/{table}', '{shard}-{replica}') ORDER BY version`,
    });
  }

  async catchUp(): Promise<void> {
    await this.client.command({ query: 'SYSTEM SYNC REPLICA schema_migrations' });
  }

  async carryOut(statement: string): Promise<void> {
    await this.client.command({ query: onCluster(statement, this.cluster) });
  }

  /** Distributed tables take no part in changes of those that they stand for. */
  async publish(): Promise<void> {
    const result = await this.client.query({
      query: 'SELECT name FROM system.tables WHERE database = currentDatabase()',
      format: 'JSONEachRow',
    });
    const existing = new Set((await result.json<{ name: string }>()).map(({ name }) => name));
    for (const table of Object.keys(SHARDING_KEYS) as (keyof typeof SHARDING_KEYS)[]) {
      if (existing.has(table)) await this.client.command({ query: distributedTable(this.cluster, table) });
    }
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  /** What a server by itself stored in this database would not be seen any more, and its tables are in the way. */
  private async requireNoOtherTables(client: ClickHouseClient): Promise<void> {
    const { database } = this.cluster;
    const result = await client.query({
      query: `SELECT count() AS tables FROM system.tables WHERE database = {database: String} AND name = 'events' AND engine != 'Distributed'`,
      query_params: { database },
      format: 'JSONEachRow',
    });
    const [found] = await result.json<{ tables: string | number }>();
    if (Number(found?.tables) > 0) {
      throw new UnusableWarehouseError(
        `The database ${database} has the tables of a single server, which CLICKHOUSE_CLUSTER cannot take over. ` +
          'Name another database in CLICKHOUSE_URL, and copy the events as docs/warehouse.md says.',
      );
    }
  }

  private urlOf(database: string): string {
    const url = new URL(this.clickhouseUrl);
    url.pathname = encodeURIComponent(database);
    return url.href;
  }
}
