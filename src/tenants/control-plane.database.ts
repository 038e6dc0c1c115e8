import type { OnApplicationShutdown } from '@nestjs/common';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

/** What the services need of a database; PostgreSQL and PGlite both give it. */
export type Database = PgDatabase<PgQueryResultHKT>;

/** Is given what was said on a channel, or `undefined` when something may have been said that was not heard. */
export type MessageHandler = (message: string | undefined) => void;

/** Starts to hear what any process says on a channel with `pg_notify`. */
export type Listen = (channel: string, onMessage: MessageHandler) => Promise<void>;

/** The open, migrated database of tenants and keys. Closed when the application shuts down. */
export class ControlPlaneDatabase implements OnApplicationShutdown {
  constructor(
    readonly db: Database,
    readonly listen: Listen,
    private readonly close: () => Promise<void>,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}
