import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { failFastConnection, firstConnection } from '../../common/redis.connections.js';
import {
  type BrokenNote,
  type Claim,
  IdempotencyStore,
  MAX_BROKEN,
  MAX_MEMORY_BYTES,
  MEMORY_ENTRY_BYTES,
  MEMORY_LIFE_MS,
  type MemoryKey,
  type Note,
  NOTE_LIFE_MS,
  type OpenNotes,
  type Settlement,
} from '../idempotency.store.js';
import { BREAK, CLAIM, LOOK, NOTE, SETTLE } from './attempt.scripts.js';
import { connectionNameOf, INSTANCE_CHARACTERS, LivingInstances, newInstanceId } from './living.instances.js';
import { REMEMBER } from './memory.script.js';
import { decodeNotes, encodeNotes } from './note.codec.js';

type ClaimAnswer = [place: number, taken: string, others: string][];

/** The commands that the scripts become. */
interface Scripts {
  segopsLook(keys: number, ...keysAndArgs: string[]): Promise<number[]>;
  segopsNote(keys: number, ...keysAndArgs: (string | number)[]): Promise<null>;
  segopsClaim(keys: number, ...keysAndArgs: (string | number)[]): Promise<ClaimAnswer>;
  segopsSettle(keys: number, ...keysAndArgs: string[]): Promise<null>;
  segopsBreak(...keysAndArgs: (string | number)[]): Promise<null>;
  segopsRemember(...keysAndArgs: (string | number)[]): Promise<null>;
}

export interface RedisStoreOptions {
  readonly redisUrl: string;
  /** Keeps the keys of several deployments apart that share a Redis. */
  readonly prefix: string;
}

/** What instances keep in the Redis that they share; as durable there as the queue's batches. */
export class RedisStore extends IdempotencyStore {
  private readonly me = newInstanceId();
  private readonly redis: Redis & Scripts;
  private readonly instances: LivingInstances;

  private constructor(private readonly options: RedisStoreOptions) {
    super();
    const redis = failFastConnection(options.redisUrl, new Logger('Redis'), connectionNameOf(this.me));
    redis.defineCommand('segopsLook', { lua: LOOK, readOnly: true });
    redis.defineCommand('segopsNote', { lua: NOTE });
    redis.defineCommand('segopsClaim', { lua: CLAIM });
    redis.defineCommand('segopsSettle', { lua: SETTLE });
    redis.defineCommand('segopsBreak', { lua: BREAK, numberOfKeys: 3 });
    redis.defineCommand('segopsRemember', { lua: REMEMBER, numberOfKeys: 3 });
    this.redis = redis as Redis & Scripts;
    this.instances = new LivingInstances(redis, this.me);
  }

  /** Resolves without a connection too, which then is made in the background. */
  static async connect(options: RedisStoreOptions): Promise<RedisStore> {
    const store = new RedisStore(options);
    await firstConnection(store.redis);
    return store;
  }

  async look(fingerprints: readonly string[]): Promise<readonly string[]> {
    this.checkConnection();
    const keys = fingerprints.map((fingerprint) => this.attemptsKey(fingerprint));
    const places = await this.redis.segopsLook(keys.length, ...keys, this.me, this.instances.lately);
    return places.flatMap((place) => fingerprints[place - 1] ?? []);
  }

  /**
   * Does not wait for Redis: the notes are on their way before the batch is, and Redis writes to disk at once what arrives
   * together. A process that dies after it has sent the batch has sent the notes.
   */
  note(notes: readonly OpenNotes[]): Promise<void> {
    this.checkConnection();
    const keys = notes.map(({ fingerprint }) => this.attemptsKey(fingerprint));
    const open = notes.map((note) => encodeNotes(note.open));
    // A Redis that fails now fails the batch too, or the next question.
    void this.redis.segopsNote(keys.length, ...keys, this.me, NOTE_LIFE_MS, ...open).catch(() => undefined);
    return Promise.resolve();
  }

  /** In one step, so that two instances never take over the same. */
  async claim(claims: readonly Claim[]): Promise<readonly (readonly Note[])[]> {
    this.checkConnection();
    const taken: Note[][] = claims.map(() => []);
    const answer = await this.claimFrom(claims, '');
    const contested: { readonly place: number; readonly claim: Claim; readonly others: readonly string[] }[] = [];
    for (const [number, notes, others] of answer) {
      const place = number - 1;
      const claim = claims[place];
      if (claim === undefined) continue;
      const found = decodeNotes(notes);
      taken[place] = found;
      if (others !== '' && found.length < claim.fresh.length) {
        const kept = [...claim.kept, ...found];
        const rest = { ...claim, kept, fresh: claim.fresh.slice(found.length) };
        contested.push({ place, claim: rest, others: split(others) });
      }
    }
    if (contested.length === 0) {
      return taken;
    }
    const ended = await this.instances.endedOf([...new Set(contested.flatMap(({ others }) => others))]);
    const orphaned = contested.filter(({ others }) => others.some((other) => ended.includes(other)));
    if (orphaned.length > 0) {
      const inherited = await this.claimFrom(
        orphaned.map(({ claim }) => claim),
        ended.join(''),
      );
      for (const [number, notes] of inherited) {
        const place = orphaned[number - 1]?.place;
        if (place !== undefined) taken[place]?.push(...decodeNotes(notes));
      }
    }
    return taken;
  }

  async settle(settlements: readonly Settlement[]): Promise<void> {
    this.checkConnection();
    const keys = settlements.map(({ fingerprint }) => this.attemptsKey(fingerprint));
    const open = settlements.map((settlement) => encodeNotes(settlement.open));
    const told: Promise<unknown>[] = [];
    for (const settlement of settlements) {
      const { fingerprint, broken, taken } = settlement;
      if (taken.length > 0) told.push(this.redis.hdel(this.attemptsKey(fingerprint), ...taken));
      for (const note of broken) told.push(this.break(settlement, note));
    }
    // After what has broken was noted: a hash without fields would take its other attempts' time with it.
    told.push(this.redis.segopsSettle(keys.length, ...keys, this.me, ...open));
    await Promise.all(told);
  }

  async recall(key: MemoryKey): Promise<string | undefined> {
    this.checkConnection();
    return (await this.redis.get(this.memoryKey(key))) ?? undefined;
  }

  async remember(key: MemoryKey, value: string): Promise<void> {
    this.checkConnection();
    const { space, tenantId } = key;
    const entry = this.memoryKey(key);
    await this.redis.segopsRemember(
      ...[entry, this.key(`${space}-bytes:${tenantId}`), this.key(`${space}-bytes`)],
      ...[value, MEMORY_LIFE_MS[space], Buffer.byteLength(entry) + Buffer.byteLength(value) + MEMORY_ENTRY_BYTES],
      ...[MAX_MEMORY_BYTES.tenant, MAX_MEMORY_BYTES.total],
    );
  }

  close(): Promise<void> {
    this.redis.disconnect();
    return Promise.resolve();
  }

  private async claimFrom(claims: readonly Claim[], ended: string): Promise<ClaimAnswer> {
    const keys: string[] = [];
    const args: (string | number)[] = [this.me, NOTE_LIFE_MS];
    for (const { fingerprint, kept, fresh } of claims) {
      keys.push(this.attemptsKey(fingerprint));
      args.push(encodeNotes(kept) + encodeNotes(fresh), fresh.length, ended);
    }
    return this.redis.segopsClaim(keys.length, ...keys, ...args);
  }

  private break({ fingerprint, tenantId }: Settlement, { seed, durable, isUpdate }: BrokenNote): Promise<unknown> {
    return this.redis.segopsBreak(
      ...[this.attemptsKey(fingerprint), this.key(`broken:${tenantId}`), this.key('broken')],
      ...[seed, durable ? 'D' : '-', NOTE_LIFE_MS, MAX_BROKEN.tenant, MAX_BROKEN.total, isUpdate ? '1' : '0'],
    );
  }

  /** While it connects, commands would fail in their own time. */
  private checkConnection(): void {
    if (this.redis.status !== 'ready') throw new Error('not connected');
  }

  private attemptsKey(fingerprint: string): string {
    return this.key(`attempts:${fingerprint}`);
  }

  private memoryKey({ space, tenantId, key }: MemoryKey): string {
    return this.key(`${space}:${tenantId}:${key}`);
  }

  private key(name: string): string {
    return `${this.options.prefix}:${name}`;
  }
}

function split(instances: string): string[] {
  return instances.match(new RegExp(`.{${INSTANCE_CHARACTERS}}`, 'g')) ?? [];
}
