import { join } from 'node:path';
import { freshClickHouseDatabase, type FreshDatabase } from '../../test/support/servers.js';
import { createClickHouseClient, WarehouseCluster } from './clickhouse.client.js';
import { distributedTable, onCluster, SHARDING_KEYS } from './cluster.schema.js';
import { readMigrations } from './migration.files.js';

const cluster = new WarehouseCluster('my-cluster', 'segops');

describe('onCluster', () => {
  let statements: string[];

  beforeAll(async () => {
    const migrations = await readMigrations(join(__dirname, 'migrations'));
    statements = migrations.flatMap((migration) =>
      migration.statements.map((statement) => onCluster(statement, cluster)),
    );
  });

  it('should have every statement of every migration carried out by all servers', () => {
    for (const statement of statements) expect(statement.match(/ON CLUSTER `my-cluster`/g)).toHaveLength(1);
  });

  it('should keep every table that stores anything on replicas, and each under a path of its shard', () => {
    const tables = statements.filter((statement) => statement.includes('CREATE TABLE'));
    expect(tables).toHaveLength(6);
    for (const table of tables) {
      expect(table).toMatch(
        /^ENGINE = Replicated(Replacing)?MergeTree\('\/clickhouse\/tables\/\{shard\}\/\{database\}\/\{table\}', '\{replica\}'(, version)?\)$/m,
      );
      expect(table).not.toContain('non_replicated');
    }
    expect(statements.join()).toContain(`'{replica}', version)`);
  });

  it('should have a way to the shards for every table', () => {
    const names = statements.flatMap((statement) => /^CREATE TABLE IF NOT EXISTS (\w+)/m.exec(statement)?.[1] ?? []);
    expect(Object.keys(SHARDING_KEYS).sort()).toEqual(names.sort());
  });

  it('should write what ClickHouse can read', async () => {
    const database: FreshDatabase = await freshClickHouseDatabase();
    const client = createClickHouseClient(database.url, 1);
    const tables = Object.keys(SHARDING_KEYS) as (keyof typeof SHARDING_KEYS)[];
    try {
      for (const sql of [...statements, ...tables.map((table) => distributedTable(cluster, table))]) {
        const result = await client.query({
          query: 'SELECT formatQuery({sql: String}) AS text',
          query_params: { sql },
        });
        expect(await result.text()).toContain('ON CLUSTER');
      }
    } finally {
      await client.close();
      await database.drop();
    }
  });

  it('should refuse a statement of a kind that nobody has thought of on a cluster', () => {
    expect(() => onCluster('INSERT INTO events SELECT 1', cluster)).toThrow('What else is to run on a cluster?');
  });
});

describe('WarehouseCluster', () => {
  it.each([
    ['a b', 'http://localhost/segops'],
    ['a', 'http://localhost/seg%60ops'],
  ])('should refuse names that statements cannot hold as they are: %s, %s', (name, url) => {
    expect(() => WarehouseCluster.from(name, url)).toThrow('must be of letters');
  });
});
