import { RedisStore } from '../../src/idempotency/redis/redis.store.js';
import { freshRedisPrefix, sharedRedisUrl } from '../support/servers.js';
import { describeIdempotencyStore } from './idempotency-store.contract.js';

let prefix: string;
beforeEach(() => {
  prefix = freshRedisPrefix();
});

describeIdempotencyStore('Redis', { begin: () => RedisStore.connect({ redisUrl: sharedRedisUrl(), prefix }) });
