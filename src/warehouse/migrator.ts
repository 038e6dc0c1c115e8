import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { ClusterSchema } from './cluster.schema.js';
import { type Migration, readMigrations } from './migration.files.js';
import { MigrationLock } from './migration.lock.js';
import type { SchemaPlace } from './schema.place.js';
import { ServerSchema } from './server.schema.js';
import { UnusableWarehouseError } from './warehouse.errors.js';
import { WarehouseCluster } from './clickhouse.client.js';

const MIGRATIONS_FOLDER = join(__dirname, 'migrations');
/**
 * In the name of a migration after which no older build can store: `0012_breaking_….sql`. The name is all that an older
 * build learns of it. Any other only adds, so that older builds go on beside newer ones, and after a roll-back.
 */
const BREAKING = /_breaking_/;
/** See docs/warehouse.md. */
const OLDEST_VERSION = { major: 26, minor: 1 };

interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

/** Brings the schema of ClickHouse to the version that this build needs. */
export class Migrator {
  constructor(
    private readonly client: ClickHouseClient,
    private readonly clickhouseUrl: string,
    private readonly folder: string = MIGRATIONS_FOLDER,
  ) {}

  /**
   * Creates the database when it is missing and applies what has not been applied yet, in order. Any number of processes
   * may do so at once: one works, the others wait for it.
   * @returns the names of the migrations that this call applied
   * Migrations of a newer build are left alone, unless their name says that they are breaking.
   * @throws UnusableWarehouseError when the database has breaking migrations that this build does not know, or such as it knows with
   * other content
   */
  async migrate(): Promise<string[]> {
    const place = this.place();
    try {
      return await this.migrateIn(place);
    } finally {
      await place.close();
    }
  }

  private place(): SchemaPlace {
    const cluster = WarehouseCluster.of(this.client);
    return cluster === undefined
      ? new ServerSchema(this.client, this.clickhouseUrl)
      : new ClusterSchema(cluster, this.clickhouseUrl);
  }

  private async migrateIn(place: SchemaPlace): Promise<string[]> {
    const { client } = place;
    await place.prepare();
    await this.requireVersion(client);
    const migrations = await readMigrations(this.folder);
    if ((await this.pending(client, migrations)).length === 0) {
      return [];
    }
    const lock = await MigrationLock.acquire(client);
    try {
      const applied: string[] = [];
      await place.catchUp();
      for (const migration of await this.pending(client, migrations)) {
        for (const statement of migration.statements) {
          lock.assertHeld();
          await place.carryOut(statement);
        }
        await place.publish();
        await this.record(client, migration);
        applied.push(migration.name);
      }
      return applied;
    } finally {
      await lock.release();
    }
  }

  private async requireVersion(client: ClickHouseClient): Promise<void> {
    const result = await client.query({ query: 'SELECT version() AS version', format: 'JSONEachRow' });
    const [answer] = await result.json<{ version: string }>();
    const [major = 0, minor = 0] = (answer?.version ?? '').split('.').map(Number);
    if (major < OLDEST_VERSION.major || (major === OLDEST_VERSION.major && minor < OLDEST_VERSION.minor)) {
      throw new UnusableWarehouseError(
        `ClickHouse ${major}.${minor} is too old: it does not deduplicate asynchronous inserts into a materialized view. ` +
          `Use ${OLDEST_VERSION.major}.${OLDEST_VERSION.minor} or newer.`,
      );
    }
  }

  private async pending(client: ClickHouseClient, migrations: readonly Migration[]): Promise<Migration[]> {
    const result = await client.query({
      query: 'SELECT version, name, checksum FROM schema_migrations ORDER BY version',
      format: 'JSONEachRow',
    });
    const applied = await result.json<AppliedMigration>();
    for (const { version, name, checksum } of applied) {
      const known = migrations[version - 1];
      if (!known) {
        if (!BREAKING.test(name)) continue;
        throw new UnusableWarehouseError(
          `ClickHouse has the migration ${name}, after which this build cannot store. Start the newest version, or restore a backup.`,
        );
      }
      if (known.checksum !== checksum) {
        throw new UnusableWarehouseError(
          `The migration ${known.name} was edited after it had been applied (as ${name}). Restore its file, and put the change into a new migration.`,
        );
      }
    }
    const versions = new Set(applied.map(({ version }) => version));
    return migrations.filter(({ version }) => !versions.has(version));
  }

  private async record(client: ClickHouseClient, { version, name, checksum }: Migration): Promise<void> {
    await client.insert({
      table: 'schema_migrations',
      columns: ['version', 'name', 'checksum'],
      values: [{ version, name, checksum }],
      format: 'JSONEachRow',
      clickhouse_settings: { async_insert: 0 },
    });
  }
}
