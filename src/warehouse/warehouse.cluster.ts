import type { ClickHouseClient } from '@clickhouse/client';
import { databaseIn } from './clickhouse.client.js';
import { OperatorError } from '../common/operator.error.js';

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
