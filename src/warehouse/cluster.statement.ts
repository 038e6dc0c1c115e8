import type { WarehouseCluster } from './warehouse.cluster.js';

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
