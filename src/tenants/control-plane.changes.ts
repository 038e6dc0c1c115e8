import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { ControlPlaneDatabase, type Database, inTransaction } from './control-plane.database.js';

const CHANNEL = 'control_plane_changes';

/**
 * PostgreSQL tells the other instances of a change as it commits, and they hear of it within a few milliseconds. Of 300
 * keys that were used on another instance right after an answer that did not wait for this, 28 were still taken.
 */
const HEARD_BY_ALL_WITHIN_MS = 100;

/** What instances keep in memory, by what it is looked up with. */
export type ChangedKind =
  'api_key_hash' | 'api_key_id' | 'origin' | 'tenant' | 'user' | 'event_schemas' | 'shopify_settings';

/** Is given the key of what changed, or `undefined` when anything may have. */
export type ChangeHandler = (key: string | undefined) => void;

/** Notes a change of the running transaction. Without a key everything of the kind may have changed. */
export type NoteChange = (kind: ChangedKind, key?: string) => void;

/** Tells every instance what one of them changed, so that nobody goes on with what it has in memory. */
@Injectable()
export class ControlPlaneChanges {
  private readonly handlers = new Map<ChangedKind, ChangeHandler[]>();
  private listening: Promise<void> | undefined;
  private hearsOthers = false;

  constructor(private readonly database: ControlPlaneDatabase) {}

  subscribe(kind: ChangedKind, handler: ChangeHandler): void {
    this.handlers.set(kind, [...(this.handlers.get(kind) ?? []), handler]);
  }

  /** Whether changes by other instances are heard at this moment: what was kept may be believed only as long as they are. */
  get areHeard(): boolean {
    return this.hearsOthers;
  }

  /** Resolves once changes are heard, or cannot be. Ask the database for what you will keep only after that. */
  async listen(): Promise<void> {
    this.listening ??= this.database
      .listen(CHANNEL, {
        onListening: () => {
          this.hear(undefined);
          this.hearsOthers = true;
        },
        onMessage: (message) => {
          this.hear(message);
        },
        onLost: () => {
          this.hearsOthers = false;
        },
      })
      .catch((error: unknown) => {
        this.listening = undefined;
        throw error;
      });
    await this.listening;
  }

  /** Runs `work` in a transaction. When it has committed, this instance knows of the changes at once, the others soon after. */
  async commit<T>(work: (transaction: Database, note: NoteChange) => Promise<T>): Promise<T> {
    const messages: string[] = [];
    const result = await inTransaction(this.database.db, async (transaction) => {
      const outcome = await work(transaction, (kind, key) =>
        messages.push(key === undefined ? kind : `${kind} ${key}`),
      );
      for (const message of messages) {
        await transaction.execute(sql`SELECT pg_notify(${CHANNEL}, ${message})`);
      }
      return outcome;
    });
    messages.forEach((message) => {
      this.hear(message);
    });
    return result;
  }

  /**
   * As {@link commit}, for what takes a right away: returns when every instance that listens has had time to hear of it. One
   * that cannot hear knows after 5 s, or, while it reaches no database either, after 5 minutes ({@link CachedLookup}).
   */
  async commitForAll<T>(work: (transaction: Database, note: NoteChange) => Promise<T>): Promise<T> {
    const result = await this.commit(work);
    await sleep(HEARD_BY_ALL_WITHIN_MS);
    return result;
  }

  /** @param message undefined when something may have been said that was not heard */
  private hear(message: string | undefined): void {
    const [kind, key] = message?.split(' ', 2) ?? [];
    for (const [subscribed, handlers] of this.handlers) {
      if (kind === undefined || kind === subscribed) {
        handlers.forEach((handler) => {
          handler(key);
        });
      }
    }
  }
}
