import { Redis } from 'ioredis';
import { freshRedisPrefix, sharedRedisUrl } from '../../../test/support/servers.js';
import { RedisStore } from './redis.store.js';

describe('RedisStore', () => {
  let prefix: string;
  let redis: Redis;
  let store: RedisStore;

  beforeEach(async () => {
    prefix = freshRedisPrefix();
    redis = new Redis(sharedRedisUrl());
    store = await RedisStore.connect({ redisUrl: sharedRedisUrl(), prefix });
  });
  afterEach(async () => {
    await store.close();
    redis.disconnect();
  });

  it('should let every key expire', async () => {
    const caller = { apiKeyId: 'key', sessionId: undefined };
    await store.remember({ space: 'answers', tenantId: 't', key: 'k' }, 'v', caller);
    await store.remember({ space: 'deliveries', tenantId: 't', key: 'k' }, 'v');
    const keys = await redis.keys(`${prefix}:*`);
    expect(keys.map((key) => key.slice(prefix.length + 1)).sort()).toEqual([
      ...['answers-bytes:t', 'answers-bytes:t:key', 'answers:t:k', 'deliveries-bytes:t', 'deliveries:t:k'],
    ]);
    for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0);
  });

  it('should reject without a connection', async () => {
    await store.close();
    await expect(store.recall({ space: 'answers', tenantId: 't', key: 'k' })).rejects.toThrow();
  });
});
