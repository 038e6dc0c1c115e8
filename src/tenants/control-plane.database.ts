import { join } from 'node:path';
import type { OnApplicationShutdown } from '@nestjs/common';
import { DrizzleQueryError } from 'drizzle-orm';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { errorCodeOf, OperatorError } from '../common/operator.error.js';

/** Where drizzle-kit writes the migrations, in src as in dist. */
export const MIGRATIONS_FOLDER = join(__dirname, 'migrations');

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

/** The control plane gave no answer. Its message names the cause, but neither SQL nor parameters nor addresses. */
export class ControlPlaneUnavailableError extends OperatorError {
  override readonly name = 'ControlPlaneUnavailableError';

  constructor(reason: unknown) {
    super(`The control plane gave no answer (${describe(reason)}). Check DATABASE_URL and that PostgreSQL is up.`);
  }
}

function describe(reason: unknown): string {
  const error = reason instanceof DrizzleQueryError ? reason.cause : reason;
  return errorCodeOf(error) ?? (error instanceof Error ? error.message : 'unknown cause');
}

/**
 * Runs `work` in a transaction, which is undone when it fails.
 * @throws ControlPlaneUnavailableError when there is no connection for it, which Drizzle reports of queries only
 */
export async function inTransaction<T>(db: Database, work: (transaction: Database) => Promise<T>): Promise<T> {
  const progress = { begun: false };
  try {
    return await db.transaction((transaction) => {
      progress.begun = true;
      return work(transaction);
    });
  } catch (error) {
    throw progress.begun ? error : new ControlPlaneUnavailableError(error);
  }
}
