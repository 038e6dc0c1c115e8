import type { ClickHouseClient } from '@clickhouse/client';

/** Where migrations go: into a database of one server, or into those of a cluster. */
export interface SchemaPlace {
  /** Of the database with the table `schema_migrations`. */
  readonly client: ClickHouseClient;
  /** Makes the database and that table where they are missing. */
  prepare(): Promise<void>;
  /** Resolves when this server knows all migrations that any has recorded. */
  catchUp(): Promise<void>;
  /** Carries out a statement of a migration. */
  carryOut(statement: string): Promise<void>;
  /** Makes a migration's tables usable, after its last statement and before it is recorded. May be repeated. */
  publish(): Promise<void>;
  close(): Promise<void>;
}

/** What is recorded of a migration. */
export const SCHEMA_MIGRATIONS_COLUMNS = `(
            version UInt32,
            name String,
            checksum String,
            applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
        )`;
