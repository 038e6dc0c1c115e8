import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { freshRedisPrefix, sharedRedisUrl } from '../../../test/support/servers.js';
import { waitUntil } from '../../../test/support/wait-until.js';
import { MAX_BROKEN, NOTE_LIFE_MS } from '../idempotency.store.js';
import { drawSeed, formatSeed } from '../seed.js';
import { RedisStore } from './redis.store.js';

const fingerprint = 't:track:same-bytes';
const note = () => ({ seed: formatSeed(drawSeed()), durable: false });
const claim = (store: RedisStore) => store.claim([{ fingerprint, kept: [], fresh: [note()] }]);

describe('RedisStore', () => {
  let prefix: string;
  let redis: Redis;
  const stores: RedisStore[] = [];

  const connect = async (url = sharedRedisUrl()): Promise<RedisStore> => {
    const store = await RedisStore.connect({ redisUrl: url, prefix });
    stores.push(store);
    return store;
  };

  beforeEach(() => {
    prefix = freshRedisPrefix();
    redis = new Redis(sharedRedisUrl());
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    redis.disconnect();
    jest.restoreAllMocks();
  });

  it('should leave alone what another instance is serving, until that ends', async () => {
    const [one, other] = [await connect(), await connect()];
    const open = note();
    await one.note([{ fingerprint, open: [open] }]);
    await waitUntil(async () => (await other.look([fingerprint])).length === 1);
    expect(await claim(other)).toEqual([[]]);
    await one.close();
    // The list of those that live is up to 200 ms old.
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(await claim(other)).toEqual([[open]]);
  });

  it('should hand one broken attempt to one of many instances that ask at the same moment', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => connect()));
    const broken = { ...note(), isUpdate: false };
    await all[0]!.settle([{ tenantId: 't', fingerprint, open: [], broken: [broken], taken: [] }]);
    const taken = (await Promise.all(all.map(claim))).flat(2);
    expect(taken).toEqual([{ seed: broken.seed, durable: false }]);
  });

  it('should take other instances to live where Redis does not tell', async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    await redis.call('ACL', 'SETUSER', prefix, 'on', '>secret', '~*', '+@all', '-client|list');
    const limited = new URL(sharedRedisUrl());
    limited.username = prefix;
    limited.password = 'secret';
    const [one, other] = [await connect(), await connect(limited.href)];
    await one.note([{ fingerprint, open: [note()] }]);
    await waitUntil(async () => (await other.look([fingerprint])).length === 1);
    await one.close();
    expect(await claim(other)).toEqual([[]]);
    await redis.call('ACL', 'DELUSER', prefix);
  });

  it('should let every key that it writes expire', async () => {
    const store = await connect();
    await claim(store);
    await store.settle([
      { tenantId: 't', fingerprint: 't:track:x', open: [], broken: [{ ...note(), isUpdate: false }], taken: [] },
    ]);
    await store.remember({ space: 'answers', tenantId: 't', key: 'k' }, 'v');
    await store.remember({ space: 'deliveries', tenantId: 't', key: 'k' }, 'v');
    const keys = (await redis.keys(`${prefix}:*`)).sort();
    expect(keys.map((key) => key.slice(prefix.length + 1))).toEqual([
      ...['answers-bytes', 'answers-bytes:t', 'answers:t:k', `attempts:${fingerprint}`, 'attempts:t:track:x'],
      ...['broken', 'broken:t', 'deliveries-bytes', 'deliveries-bytes:t', 'deliveries:t:k'],
    ]);
    for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0);
    expect(await redis.pttl(`${prefix}:attempts:t:track:x`)).toBeLessThanOrEqual(NOTE_LIFE_MS);
  });

  it('should keep no more broken attempts in all than it may', async () => {
    const store = await connect();
    await redis.set(`${prefix}:broken`, MAX_BROKEN.total - 1);
    const broken = [note(), note()].map((one) => ({ ...one, isUpdate: false }));
    await store.settle([{ tenantId: 't', fingerprint, open: [], broken, taken: [] }]);
    expect(await redis.hkeys(`${prefix}:attempts:${fingerprint}`)).toEqual([broken[0]!.seed]);
  });

  it('should reject without a connection', async () => {
    const store = await connect();
    await store.close();
    await expect(claim(store)).rejects.toThrow();
  });
});
