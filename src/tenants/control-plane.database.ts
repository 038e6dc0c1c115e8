import { join } from 'node:path';
import type { OnApplicationShutdown } from '@nestjs/common';
import { DrizzleQueryError } from 'drizzle-orm';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { errorCodeOf, OperatorError } from '../common/operator.error.js';

/** Where drizzle-kit writes the migrations, in src and in dist. */
export const MIGRATIONS_FOLDER = join(__dirname, 'migrations');

/** What PostgreSQL and PGlite have in common. */
export type Database = PgDatabase<PgQueryResultHKT>;

export interface ChannelListener {
  /** From now on every message is heard. Earlier ones may have been missed. */
  onListening(): void;
  onMessage(message: string): void;
  /** From now on no message is heard, until the next {@link onListening}. */
  onLost(): void;
}

/** Subscribes to a channel of `pg_notify`. Returns when it listens, or once the first attempt failed. */
export type Listen = (channel: string, listener: ChannelListener) => Promise<void>;

/** The open, migrated database of tenants and keys. Closed when the application shuts down. */
export class ControlPlaneDatabase implements OnApplicationShutdown {
  /** @param place its address for operators, without user and password */
  constructor(
    readonly place: string,
    readonly db: Database,
    readonly listen: Listen,
    private readonly close: () => Promise<void>,
  ) {}

  /**
   * Runs `work` in a transaction, which is undone when it fails.
   * @throws ControlPlaneUnavailableError when there is no connection for it, which Drizzle reports of queries only
   */
  async transaction<T>(work: (transaction: Database) => Promise<T>): Promise<T> {
    const progress = { begun: false };
    try {
      return await this.db.transaction((transaction) => {
        progress.begun = true;
        return work(transaction);
      });
    } catch (error) {
      throw progress.begun ? error : new ControlPlaneUnavailableError(error);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}

/** The control plane did not answer. Its message names the cause without SQL, parameters and addresses. */
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
