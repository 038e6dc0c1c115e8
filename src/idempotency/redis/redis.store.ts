import { createHash } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import type { AccompaniedRedis } from '../../common/accompanied.redis.js';
import { withDeadline } from '../../common/deadline.js';
import { failFastConnection, firstConnection, type RedisAccess } from '../../common/redis.connections.js';
import {
  type BrokenNote,
  type Caller,
  IdempotencyStore,
  MAX_BROKEN,
  MEMORY_ENTRY_BYTES,
  MEMORY_LIFE_MS,
  type MemoryBound,
  memoryBounds,
  type MemoryKey,
  type Note,
  NOTE_LIFE_MS,
  type OpenNotes,
} from '../idempotency.store.js';
import { AttemptKeys } from './attempt.keys.js';
import { BREAK, CONFIRM, NOTE, TAKE } from './attempt.scripts.js';
import { ContestedFingerprints } from './contested.fingerprints.js';
import { EndedInstances } from './ended.instances.js';
import { Instance } from './instance.js';
import { REMEMBER } from './memory.script.js';
import { decodeNotes, encodeNotes } from './note.codec.js';

const GOODBYE_WITHIN_MS = 300;
/** Less than what counts as an absence of the store, in which nothing would be noted at all. */
const NOTED_WITHIN_MS = 80;

/** Sent on connections of others too, which know no command of ours. */
const NOTE_SHA = createHash('sha1').update(NOTE).digest('hex');

/** The commands that the scripts become. */
interface Scripts {
  segopsTake(...keysAndArgs: (string | number)[]): Promise<[note: string, left: number]>;
  segopsBreak(...keysAndArgs: (string | number)[]): Promise<null>;
  segopsConfirm(key: string, seed: string): Promise<null>;
  segopsRemember(numberOfKeys: number, ...keysAndArgs: (string | number)[]): Promise<number>;
}

export interface RedisStoreOptions extends RedisAccess {
  /** Whether batches are published to the same Redis, so that notes need no message of their own. */
  readonly isBesideQueue: boolean;
}

/** What instances keep in the Redis that they share; as durable there as the queue's batches. */
export class RedisStore extends IdempotencyStore {
  private readonly keys: AttemptKeys;
  private readonly serving: string;
  private readonly ended: EndedInstances;
  private readonly contested: ContestedFingerprints;

  private constructor(
    private readonly redis: AccompaniedRedis & Scripts,
    me: Instance,
    private readonly prefix: string,
    private readonly isBesideQueue: boolean,
  ) {
    super();
    this.keys = new AttemptKeys(prefix);
    this.serving = this.keys.servingOf(me.id);
    this.ended = new EndedInstances(redis, this.keys, me);
    this.contested = new ContestedFingerprints(redis, redis.duplicate(), this.keys);
    // What was sent before the connection broke may have been lost; nothing of it is published any more.
    redis.on('ready', () => {
      redis.del(this.serving).catch(() => undefined);
      redis.script('LOAD', NOTE).catch(() => undefined);
    });
  }

  /** Resolves without a connection too, which then is made in the background. */
  static async connect(options: RedisStoreOptions): Promise<RedisStore> {
    const me = new Instance();
    const redis = failFastConnection(options, new Logger('Redis'), me.connectionName);
    redis.defineCommand('segopsTake', { lua: TAKE, numberOfKeys: 3 });
    redis.defineCommand('segopsBreak', { lua: BREAK, numberOfKeys: 4 });
    redis.defineCommand('segopsConfirm', { lua: CONFIRM, numberOfKeys: 1 });
    redis.defineCommand('segopsRemember', { lua: REMEMBER });
    const { prefix, isBesideQueue } = options;
    const store = new RedisStore(redis as AccompaniedRedis & Scripts, me, prefix, isBesideQueue);
    await firstConnection(redis);
    // What earlier processes left is known before the first request comes.
    await store.ended.look();
    await store.contested.start();
    return store;
  }

  has(fingerprint: string): boolean {
    return this.contested.has(fingerprint);
  }

  async take(fingerprint: string): Promise<Note | undefined> {
    this.checkConnection();
    const keys = [this.keys.brokenOf(fingerprint), this.serving, this.keys.index];
    const [note, left] = await this.redis.segopsTake(...keys, fingerprint, NOTE_LIFE_MS);
    if (left === 0) this.contested.drop(fingerprint);
    return decodeNotes(note)[0];
  }

  /**
   * With batches in the same Redis it does not wait: the notes leave in one message with the next command, which is the batch's,
   * and whatever dies, both are there or neither is. Otherwise it resolves when the notes are on disk, or a little later when that
   * takes long: they are on their way, and more can follow.
   */
  async note(notes: readonly OpenNotes[]): Promise<void> {
    this.checkConnection();
    let open = '';
    let none = '';
    for (const note of notes) {
      if (note.open.length > 0) open += `${note.fingerprint} ${encodeNotes(note.open)}\n`;
      else none += `${note.fingerprint}\n`;
    }
    const send = async (redis: Redis): Promise<void> => {
      const args = [this.serving, NOTE_LIFE_MS, open, none];
      await redis
        .evalsha(NOTE_SHA, 1, ...args)
        .catch((error: unknown) => (String(error).includes('NOSCRIPT') ? redis.eval(NOTE, 1, ...args) : undefined))
        // A Redis that fails now fails a batch in it too. Notes that stay are removed when it is back.
        .catch(() => undefined);
    };
    if (this.isBesideQueue) this.redis.accompanyNext((redis) => void send(redis));
    else await withDeadline(send(this.redis), NOTED_WITHIN_MS, () => new Error('slow')).catch(() => undefined);
  }

  async tell(broken: readonly BrokenNote[]): Promise<void> {
    this.checkConnection();
    await Promise.all(broken.map((note) => this.tellOf(note)));
  }

  async recall(key: MemoryKey): Promise<string | undefined> {
    this.checkConnection();
    return (await this.redis.get(this.memoryKey(key))) ?? undefined;
  }

  async remember(key: MemoryKey, value: string, caller?: Caller): Promise<MemoryBound['of'] | undefined> {
    this.checkConnection();
    const entry = this.memoryKey(key);
    const bounds = memoryBounds(key, caller);
    const place = await this.redis.segopsRemember(
      bounds.length + 1,
      ...[entry, ...bounds.map(({ name }) => `${this.prefix}:${name}`)],
      ...[value, MEMORY_LIFE_MS[key.space], Buffer.byteLength(entry) + Buffer.byteLength(value) + MEMORY_ENTRY_BYTES],
      ...bounds.map(({ maxBytes }) => maxBytes),
    );
    return bounds[place - 1]?.of;
  }

  async close(): Promise<void> {
    this.ended.close();
    this.contested.close();
    try {
      // Redis answers it after everything that was sent before.
      await withDeadline(this.redis.quit(), GOODBYE_WITHIN_MS, () => new Error('no answer'));
    } catch {
      this.redis.disconnect();
    }
  }

  private async tellOf({ tenantId, fingerprint, seed, durable, change }: BrokenNote): Promise<void> {
    const key = this.keys.brokenOf(fingerprint);
    switch (change) {
      case 'broken':
        await this.redis.segopsBreak(
          ...[key, this.keys.index, this.keys.countOf(tenantId), this.keys.count],
          ...[fingerprint, seed, durable ? 'D' : '-', NOTE_LIFE_MS, MAX_BROKEN.tenant, MAX_BROKEN.total],
          this.keys.changes,
        );
        this.contested.add(fingerprint);
        return;
      case 'durable':
        await this.redis.segopsConfirm(key, seed);
        return;
      case 'taken':
        await this.redis.hdel(key, seed);
        return;
      default:
        change satisfies never;
    }
  }

  /** While it connects, commands would fail in their own time. */
  private checkConnection(): void {
    if (this.redis.status !== 'ready') throw new Error('not connected');
  }

  private memoryKey({ space, tenantId, key }: MemoryKey): string {
    return `${this.prefix}:${space}:${tenantId}:${key}`;
  }
}
