import { RedisStore } from '../../src/idempotency/redis/redis.store.js';
import { freshRedisPrefix, sharedRedisUrl } from '../support/servers.js';
import { describeIdempotencyStore } from './idempotency-store.contract.js';

let prefix: string;
beforeEach(() => {
  prefix = freshRedisPrefix();
});

describe.each([
  ['Redis, which is the queue too', true],
  ['Redis, beside another queue', false],
])('%s', (name, isBesideQueue) => {
  describeIdempotencyStore(name, {
    begin: () => RedisStore.connect({ redisUrl: sharedRedisUrl(), prefix, isBesideQueue }),
  });
});
