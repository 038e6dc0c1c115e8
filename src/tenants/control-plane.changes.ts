import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { ControlPlaneDatabase, type Database } from './control-plane.database.js';

const CHANNEL = 'control_plane_changes';

/**
 * Other instances hear of a change within a few milliseconds of its commit. Without this wait, 28 of 300 keys were still
 * accepted by another instance right after their revocation was answered.
 */
const HEARD_BY_ALL_WITHIN_MS = 100;

/** What instances cache, by its lookup key. */
export type ChangedKind =
  'api_key_hash' | 'api_key_id' | 'origin' | 'tenant' | 'user' | 'event_schemas' | 'shopify_settings';

/** Gets the key of what changed, or `undefined` when anything may have changed. */
type ChangeHandler = (key: string | undefined) => void;

/** Announces a change of the running transaction. Without a key everything of the kind may have changed. */
type NoteChange = (kind: ChangedKind, key?: string) => void;

/** Announces changes to every instance, so that none uses an outdated cache. */
@Injectable()
export class ControlPlaneChanges {
  private readonly handlers = new Map<ChangedKind, ChangeHandler[]>();
  private listening: Promise<void> | undefined;
  private hearsOthers = false;

  constructor(private readonly database: ControlPlaneDatabase) {}

  subscribe(kind: ChangedKind, handler: ChangeHandler): void {
    this.handlers.set(kind, [...(this.handlers.get(kind) ?? []), handler]);
  }

  /** Whether changes by other instances are heard at this moment: a cache is valid only while they are. */
  get areHeard(): boolean {
    return this.hearsOthers;
  }

  /** Resolves once changes are heard, or cannot be. Query what you will cache only after that. */
  async listen(): Promise<void> {
    this.listening ??= this.database
      .listen(CHANNEL, {
        onListening: () => {
          this.hear(undefined);
          this.hearsOthers = true;
        },
        onMessage: (message) => this.hear(message),
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

  /** Runs `work` in a transaction. After its commit this instance knows the changes at once, the others soon after. */
  async commit<T>(work: (transaction: Database, note: NoteChange) => Promise<T>): Promise<T> {
    const messages: string[] = [];
    const result = await this.database.transaction(async (transaction) => {
      const outcome = await work(transaction, (kind, key) =>
        messages.push(key === undefined ? kind : `${kind} ${key}`),
      );
      for (const message of messages) {
        await transaction.execute(sql`SELECT pg_notify(${CHANNEL}, ${message})`);
      }
      return outcome;
    });
    messages.forEach((message) => this.hear(message));
    return result;
  }

  /**
   * As {@link commit}, for a right that ends: returns when every instance that listens has had time to hear of it. One that
   * cannot hear knows after 5 s, or after 5 minutes while it does not reach the database either ({@link CachedLookup}).
   */
  async commitForAll<T>(work: (transaction: Database, note: NoteChange) => Promise<T>): Promise<T> {
    const result = await this.commit(work);
    await sleep(HEARD_BY_ALL_WITHIN_MS);
    return result;
  }

  /** @param message undefined when messages may have been missed */
  private hear(message: string | undefined): void {
    const [kind, key] = message?.split(' ', 2) ?? [];
    for (const [subscribed, handlers] of this.handlers) {
      if (kind === undefined || kind === subscribed) {
        handlers.forEach((handler) => handler(key));
      }
    }
  }
}
