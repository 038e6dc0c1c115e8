import type { OnApplicationShutdown } from '@nestjs/common';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

/** What the services need of a database; PostgreSQL and PGlite both give it. */
export type Database = PgDatabase<PgQueryResultHKT>;

/** The open, migrated database of tenants and keys. Closed when the application shuts down. */
export class ControlPlaneDatabase implements OnApplicationShutdown {
  constructor(
    readonly db: Database,
    private readonly close: () => Promise<void>,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}
