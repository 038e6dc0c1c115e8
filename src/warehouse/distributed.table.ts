import { SHARDING_KEYS } from './sharding.keys.js';
import type { WarehouseCluster } from './warehouse.cluster.js';

/** DDL of the table that everybody uses, over those of the shards. It holds nothing, and follows what they look like by now. */
export function distributedTable(cluster: WarehouseCluster, table: keyof typeof SHARDING_KEYS): string {
  const { name, database, localDatabase } = cluster;
  return `
    CREATE OR REPLACE TABLE \`${database}\`.${table} ${cluster.clause} AS ${cluster.localTable(table)}
    ENGINE = Distributed('${name}', '${localDatabase}', '${table}', ${SHARDING_KEYS[table]})`;
}
