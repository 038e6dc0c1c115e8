import type { OnApplicationShutdown } from '@nestjs/common';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

/** What the services need of a database; PostgreSQL and PGlite both give it. */
export type Database = PgDatabase<PgQueryResultHKT>;

/** Is told what goes on on a channel. */
export interface ChannelListener {
  /** From now on everything is heard. What was said before may not have been. */
  onListening(): void;
  onMessage(message: string): void;
  /** From now on nothing is heard, until the next {@link onListening}. */
  onLost(): void;
}

/** Starts to hear what any process says on a channel with `pg_notify`. Returns when it does, or once the first attempt failed. */
export type Listen = (channel: string, listener: ChannelListener) => Promise<void>;

/** The open, migrated database of tenants and keys. Closed when the application shuts down. */
export class ControlPlaneDatabase implements OnApplicationShutdown {
  /** @param place where it is, for operators: without user and password */
  constructor(
    readonly place: string,
    readonly db: Database,
    readonly listen: Listen,
    private readonly close: () => Promise<void>,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}
