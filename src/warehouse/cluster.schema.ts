import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { createClickHouseClient } from './clickhouse.client.js';
import { onCluster } from './cluster.statement.js';
import { distributedTable } from './distributed.table.js';
import { SCHEMA_MIGRATIONS_COLUMNS } from './schema-migrations.columns.js';
import type { SchemaPlace } from './schema.place.js';
import { SHARDING_KEYS } from './sharding.keys.js';
import { UnusableWarehouseError } from './unusable-warehouse.error.js';
import type { WarehouseCluster } from './warehouse.cluster.js';

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
