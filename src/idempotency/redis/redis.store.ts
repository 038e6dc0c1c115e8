import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { withDeadline } from '../../common/deadline.js';
import { failFastConnection, firstConnection, type RedisAccess } from '../../common/redis.connections.js';
import {
  type Caller,
  IdempotencyStore,
  MEMORY_ENTRY_BYTES,
  MEMORY_LIFE_MS,
  type MemoryBound,
  memoryBounds,
  type MemoryKey,
} from '../idempotency.store.js';

const GOODBYE_WITHIN_MS = 300;

/**
 * KEYS: the entry, and what its bounds are counted under. ARGV: the value, the life in ms, the entry's bytes, the most of
 * each bound. A life of counting begins with the first entry. Answers the place of the bound that has no room for it, or 0.
 */
const REMEMBER = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local life, bytes = ARGV[2], tonumber(ARGV[3])
for i = 2, #KEYS do
  if tonumber(redis.call('GET', KEYS[i]) or 0) + bytes > tonumber(ARGV[i + 2]) then return i - 1 end
end
for i = 2, #KEYS do
  if redis.call('INCRBY', KEYS[i], bytes) == bytes then redis.call('PEXPIRE', KEYS[i], life) end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', life)
return 0`;

/** The command that the script becomes. */
interface Script {
  segopsRemember(numberOfKeys: number, ...keysAndArgs: (string | number)[]): Promise<number>;
}

/** What instances keep in the Redis that they share; as durable there as the queue's batches. */
export class RedisStore extends IdempotencyStore {
  private constructor(
    private readonly redis: Redis & Script,
    private readonly prefix: string,
  ) {
    super();
  }

  /** Resolves without a connection too, which then is made in the background. */
  static async connect(access: RedisAccess): Promise<RedisStore> {
    const redis = failFastConnection(access, new Logger('Redis'));
    redis.defineCommand('segopsRemember', { lua: REMEMBER });
    await firstConnection(redis);
    return new RedisStore(redis as Redis & Script, access.prefix);
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
    try {
      // Redis answers it after everything that was sent before.
      await withDeadline(this.redis.quit(), GOODBYE_WITHIN_MS, () => new Error('no answer'));
    } catch {
      this.redis.disconnect();
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
