import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { createClickHouseClient, databaseIn } from './clickhouse.client.js';
import { SCHEMA_MIGRATIONS_COLUMNS, type SchemaPlace } from './schema.place.js';

const UNKNOWN_DATABASE = '81';

/** A database of one server. */
export class ServerSchema implements SchemaPlace {
  constructor(
    readonly client: ClickHouseClient,
    private readonly clickhouseUrl: string,
  ) {}

  async prepare(): Promise<void> {
    await this.createDatabase();
    await this.client.command({
      query: `
        CREATE TABLE IF NOT EXISTS schema_migrations
        ${SCHEMA_MIGRATIONS_COLUMNS}
        ENGINE = MergeTree ORDER BY version`,
    });
  }

  catchUp(): Promise<void> {
    return Promise.resolve();
  }

  async carryOut(statement: string): Promise<void> {
    await this.client.command({ query: statement });
  }

  publish(): Promise<void> {
    return Promise.resolve();
  }

  /** The client is not ours. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  private async createDatabase(): Promise<void> {
    try {
      await this.client.command({ query: 'SELECT 1' });
    } catch (error) {
      if (!(error instanceof ClickHouseError && error.code === UNKNOWN_DATABASE)) {
        throw error;
      }
      const url = new URL(this.clickhouseUrl);
      url.pathname = '';
      const client = createClickHouseClient(url.href, 1);
      try {
        await client.command({
          query: 'CREATE DATABASE IF NOT EXISTS {database: Identifier}',
          query_params: { database: databaseIn(this.clickhouseUrl) },
        });
      } finally {
        await client.close();
      }
    }
  }
}
