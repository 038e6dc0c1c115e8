import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { uuid7Time } from '../../common/uuid7.js';
import type { DeadLetter } from '../dead-letters.js';
import type { EventBatch } from '../event-batch.js';
import { TransportUnavailableError } from '../event-transport.js';
import type { PublishOptions, RetryNote } from '../retry-notes.js';
import { freeOnDiskOf, type SpoolLimits, SpoolCapacity } from './spool.capacity.js';
import { SpoolNotes, type StoredNote } from './spool.notes.js';
import { decodeSpooled, encodeSpooled, type SpooledLetter } from './spooled-batch.codec.js';

/** The place of a batch in order of arrival, and its size in bytes, so that sizes are known without reading values. */
export type SpoolKey = readonly [sequence: number, bytes: number];

/** A batch on its way through the spool. */
export interface SpooledBatch {
  readonly key: SpoolKey;
  readonly batch: EventBatch;
}

/** Parts of the spool that dead letters may take; batches that wait have the rest. */
const DEAD_MAY_TAKE = 1 / 5;
const TENANTS_DEAD_MAY_TAKE = 1 / 20;

/** LMDB's file never shrinks. One without content that has grown beyond this is deleted at the end. */
const KEEP_EMPTY_FILE_BYTES = 16 * 1024 * 1024;

/**
 * Batches on local disk in order of arrival, and dead letters beside them, in LMDB. Every method that resolves has its change
 * flushed to disk; LMDB writes pages anew and switches to them at the end, so that a crash at any moment leaves the state of
 * before or after a change. A folder is for one process; see `spool.folder.ts`.
 */
export class SpoolStore {
  private readonly environment: RootDatabase<Buffer, string>;
  private readonly waiting: Database<Buffer, [number, number]>;
  private readonly dead: Database<Buffer, string>;
  private readonly notes: SpoolNotes;
  private readonly capacity: SpoolCapacity;
  /** What each tenant's dead letters take, in bytes; those of nobody under ''. */
  private readonly deadBytes = new Map<string, number>();
  private nextSequence: number;
  private batches = 0;

  /** Opens what is in the folder, or makes it. @throws Error when the disk cannot be written */
  constructor(
    private readonly folder: string,
    private readonly limits: SpoolLimits,
  ) {
    mkdirSync(folder, { recursive: true });
    this.environment = openEnvironment(folder);
    this.waiting = this.environment.openDB({ name: 'waiting', encoding: 'binary' });
    this.dead = this.environment.openDB({ name: 'dead', encoding: 'binary' });
    this.notes = new SpoolNotes(this.environment.openDB<StoredNote, string>({ name: 'notes', encoding: 'json' }));
    this.capacity = new SpoolCapacity(limits, () => freeOnDiskOf(folder));
    this.nextSequence = 0;
    for (const [sequence, bytes] of this.waiting.getKeys()) {
      this.nextSequence = sequence + 1;
      this.batches++;
      this.capacity.occupy(bytes);
    }
    for (const id of this.dead.getKeys()) {
      const value = this.dead.getBinary(id);
      if (value !== undefined) this.occupyDead(value, 1);
    }
  }

  /** Batches that are waiting or in somebody's hands. */
  get size(): number {
    return this.batches;
  }

  /** The place that the next batch will have: all that are there now were there before. */
  get nextPlace(): number {
    return this.nextSequence;
  }

  /** What they and the dead letters take on disk. */
  get bytes(): number {
    return this.capacity.usedBytes;
  }

  /** What they may take. */
  get maxBytes(): number {
    return this.limits.maxBytes;
  }

  /** What they can still take, by that and by what is free on the disk. */
  get freeBytes(): number {
    return this.capacity.freeBytes;
  }

  /** Whether no more batches are taken at the moment. */
  get isFull(): boolean {
    return this.capacity.isFull;
  }

  /** When the oldest batch that is of another type was accepted, in ms since 1970; undefined when there is none. */
  oldestBut(type: string): number | undefined {
    let oldest = this.after(-1);
    while (oldest?.batch.type === type) oldest = this.after(oldest.key[0]);
    return oldest && uuid7Time(oldest.batch.id);
  }

  /** Age of the oldest batch in ms; 0 when there is none. */
  get oldestMs(): number {
    const oldest = this.after(-1);
    return oldest === undefined ? 0 : Math.max(0, Date.now() - uuid7Time(oldest.batch.id));
  }

  /**
   * Resolves when the batch is on disk, behind all others, unless there are older notes of its requests.
   * @returns those
   * @throws TransportUnavailableError when there is no room, or the disk does not take it
   */
  async append(batch: EventBatch, options: PublishOptions = {}): Promise<readonly RetryNote[]> {
    const value = encodeSpooled(batch);
    this.capacity.claim(value.length);
    const older = this.notes.keep(options);
    if (older.length > 0) {
      this.capacity.release(value.length);
      return older;
    }
    await this.write(
      () => this.waiting.put(this.newKey(value), value),
      () => {
        this.batches++;
        this.capacity.wrote();
      },
      () => {
        this.capacity.release(value.length);
      },
    );
    return older;
  }

  /** Removes notes whose answers are out. @returns older notes of other attempts, which an earlier process may have left */
  notedBefore(options: PublishOptions): readonly RetryNote[] {
    return this.notes.find(options);
  }

  /** The oldest batch with a place after `sequence`; undefined when there is none. */
  after(sequence: number): SpooledBatch | undefined {
    for (const key of this.waiting.getKeys({ start: [sequence + 1, 0], limit: 1 })) {
      const value = this.waiting.getBinary(key);
      return value === undefined ? undefined : { key, batch: decodeSpooled(value).batch };
    }
    return undefined;
  }

  /** Resolves when the batch is gone for good. */
  async remove([sequence, bytes]: SpoolKey): Promise<void> {
    await this.write(
      () => this.waiting.remove([sequence, bytes]),
      () => {
        this.batches--;
        this.capacity.release(bytes);
      },
    );
  }

  /**
   * Removes a batch and keeps dead letters, in one change. One of the same id is replaced.
   * @returns those that are given up: dead letters, all or a tenant's, take as much as they may
   */
  async bury([sequence, bytes]: SpoolKey, letters: readonly DeadLetter[]): Promise<readonly DeadLetter[]> {
    const lost: DeadLetter[] = [];
    const kept: { readonly id: string; readonly value: Buffer; readonly before: Buffer | undefined }[] = [];
    for (const letter of letters) {
      const { id } = letter.batch;
      const value = encodeSpooled(letter.batch, letter);
      const before = this.dead.getBinary(id);
      if (before === undefined && !this.hasRoomForDead(value.length, letter.tenantId)) {
        lost.push(letter);
        continue;
      }
      if (before !== undefined) this.occupyDead(before, -1);
      this.occupyDead(value, 1);
      kept.push({ id, value, before });
    }
    await this.write(
      () =>
        this.environment.transaction(() => {
          void this.waiting.remove([sequence, bytes]);
          for (const { id, value } of kept) void this.dead.put(id, value);
        }),
      () => {
        this.batches--;
        this.capacity.release(bytes);
      },
      () => {
        for (const { value, before } of kept) {
          this.occupyDead(value, -1);
          if (before !== undefined) this.occupyDead(before, 1);
        }
      },
    );
    return lost;
  }

  private hasRoomForDead(bytes: number, tenantId = ''): boolean {
    const all = [...this.deadBytes.values()].reduce((sum, size) => sum + size, 0);
    const { maxBytes } = this.limits;
    return (
      all + bytes <= maxBytes * DEAD_MAY_TAKE &&
      (this.deadBytes.get(tenantId) ?? 0) + bytes <= maxBytes * TENANTS_DEAD_MAY_TAKE
    );
  }

  private occupyDead(value: Buffer, times: 1 | -1): void {
    const tenantId = decodeSpooled(value).letter?.tenantId ?? '';
    const bytes = (this.deadBytes.get(tenantId) ?? 0) + times * value.length;
    if (bytes > 0) this.deadBytes.set(tenantId, bytes);
    else this.deadBytes.delete(tenantId);
    if (times === 1) this.capacity.occupy(value.length);
    else this.capacity.release(value.length);
  }

  /** All dead letters, by id. */
  *letters(): Iterable<{ readonly batch: EventBatch; readonly letter: SpooledLetter }> {
    for (const id of this.dead.getKeys()) {
      const found = this.letter(id);
      if (found !== undefined) yield found;
    }
  }

  letter(id: string): { readonly batch: EventBatch; readonly letter: SpooledLetter } | undefined {
    const value = isKey(id) ? this.dead.getBinary(id) : undefined;
    if (value === undefined) {
      return undefined;
    }
    const { batch, letter } = decodeSpooled(value);
    return letter === undefined ? undefined : { batch, letter };
  }

  /**
   * Moves a dead letter behind all waiting batches, in one change, as one that may be stored already.
   * @returns false when there is none of this id
   */
  async revive(id: string): Promise<boolean> {
    const found = this.letter(id);
    if (found === undefined) {
      return false;
    }
    const value = encodeSpooled({ ...found.batch, mayBeRepeated: true });
    return this.exhume(id, () => {
      void this.waiting.put(this.newKey(value), value);
      this.batches++;
      this.capacity.occupy(value.length);
    });
  }

  /** @returns false when there is no dead letter of this id */
  removeLetter(id: string): Promise<boolean> {
    return this.exhume(id, () => undefined);
  }

  /** Resolves when everything is on disk and the folder can be opened again. */
  async close(): Promise<void> {
    const isEmpty = this.capacity.usedBytes === 0;
    this.capacity.close();
    await this.environment.close();
    const file = join(this.folder, 'data.mdb');
    if (isEmpty && statSync(file).size > KEEP_EMPTY_FILE_BYTES) rmSync(file);
  }

  /** Takes a dead letter away, and does `more` in the same change. */
  private async exhume(id: string, more: () => void): Promise<boolean> {
    let found = false;
    await this.write(() =>
      this.environment.transaction(() => {
        // Asked in here, so that of two who want it at once only one gets it.
        const value = isKey(id) ? this.dead.getBinary(id) : undefined;
        if (value === undefined) return;
        found = true;
        void this.dead.remove(id);
        this.occupyDead(value, -1);
        more();
      }),
    );
    return found;
  }

  private newKey({ length }: Buffer): [number, number] {
    return [this.nextSequence++, length];
  }

  private async write(
    change: () => Promise<unknown>,
    onDone: () => void = () => undefined,
    onFailed: () => void = () => undefined,
  ): Promise<void> {
    try {
      await change();
    } catch (error) {
      onFailed();
      const reason = `the spool's disk does not take a batch: ${await reasonOf(error)}`;
      this.capacity.wrote(reason);
      throw new TransportUnavailableError(reason, { cause: error });
    }
    onDone();
  }
}

function openEnvironment(folder: string): RootDatabase<Buffer, string> {
  return open<Buffer, string>({
    path: folder,
    encoding: 'binary',
    // A promise of a write then means: on disk.
    overlappingSync: false,
    // Its own promise for a turn's writes, which nobody holds, would end the process when the disk refuses them.
    eventTurnBatching: false,
    noMemInit: true,
    maxDbs: 3,
  });
}

/** LMDB takes no empty keys, nor long ones. */
function isKey(id: string): boolean {
  return id.length > 0 && id.length <= 64;
}

/** LMDB says why in a promise of its own, which has to be listened to. */
async function reasonOf(error: unknown): Promise<string> {
  const cause: unknown = await (error as { commitError?: Promise<unknown> }).commitError?.catch(
    (reason: unknown) => reason,
  );
  return String(cause instanceof Error ? cause.message : error instanceof Error ? error.message : error);
}
