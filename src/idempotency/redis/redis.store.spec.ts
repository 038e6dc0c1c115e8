import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { freshRedisPrefix, sharedRedisUrl } from '../../../test/support/servers.js';
import { waitUntil } from '../../../test/support/wait-until.js';
import { MAX_BROKEN, type Note, NOTE_LIFE_MS } from '../idempotency.store.js';
import { drawSeed, formatSeed } from '../seed.js';
import { RedisStore } from './redis.store.js';

const fingerprint = 't:track:same-bytes';
const note = () => ({ seed: formatSeed(drawSeed()), durable: false });

describe('RedisStore', () => {
  let prefix: string;
  let redis: Redis;
  const stores: RedisStore[] = [];

  const connect = async (url = sharedRedisUrl()): Promise<RedisStore> => {
    const store = await RedisStore.connect({ redisUrl: url, prefix, isBesideQueue: true });
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

  const breaks = (store: RedisStore, ...notes: Note[]) =>
    store.tell(notes.map((broken) => ({ ...broken, tenantId: 't', fingerprint, change: 'broken' })));

  it('should leave alone what another instance is serving, until that ends', async () => {
    const [one, other, another] = [await connect(), await connect(), await connect()];
    const open = note();
    await one.note([{ fingerprint, open: [open] }]);
    await another.note([{ fingerprint: 't:track:of-another', open: [note()] }]);
    await another.close();
    // By then it has looked who lives.
    await waitUntil(() => other.has('t:track:of-another'));
    expect(other.has(fingerprint)).toBe(false);
    expect(await other.take(fingerprint)).toBeUndefined();
    await one.close();
    await waitUntil(() => other.has(fingerprint));
    expect(await other.take(fingerprint)).toEqual(open);
  });

  it('should tell every instance of what broke', async () => {
    const [one, other] = [await connect(), await connect()];
    await breaks(one, note());
    await waitUntil(() => other.has(fingerprint));
  });

  it('should hand one broken attempt to one of many instances that ask at the same moment', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => connect()));
    const broken = note();
    await breaks(all[0]!, broken);
    const taken = await Promise.all(all.map((store) => store.take(fingerprint)));
    expect(taken.filter((one) => one !== undefined)).toEqual([broken]);
  });

  it('should know again what there is when its connection was broken', async () => {
    const [one, other] = [await connect(), await connect()];
    const mine = await redis.zrange(`${prefix}:attempts:instances`, 0, -1);
    const clients = String(await redis.client('LIST')).split('\n');
    for (const client of clients.filter((line) => mine.some((id) => line.includes(`segops-api:${id}`)))) {
      await redis.client('KILL', 'ID', Number(/id=(\d+)/.exec(client)?.[1]));
    }
    await waitUntil(async () => {
      await breaks(one, note()).catch(() => undefined);
      return other.has(fingerprint);
    });
  });

  it('should take other instances to live where Redis does not tell', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    await redis.call('ACL', 'SETUSER', prefix, 'on', '>secret', '~*', '&*', '+@all', '-client|list');
    const limited = new URL(sharedRedisUrl());
    limited.username = prefix;
    limited.password = 'secret';
    const [one, other] = [await connect(), await connect(limited.href)];
    await one.note([{ fingerprint, open: [note()] }]);
    await one.close();
    // It does not look any more.
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('does not tell which clients it has'));
    expect(other.has(fingerprint)).toBe(false);
    await breaks(other, note());
    expect(await other.take(fingerprint)).toBeDefined();
    await redis.call('ACL', 'DELUSER', prefix);
  });

  it('should let every key expire, but the list of instances', async () => {
    const store = await connect();
    await store.note([{ fingerprint: 't:track:open', open: [note()] }]);
    await breaks(store, note());
    await store.remember({ space: 'answers', tenantId: 't', key: 'k' }, 'v', {
      apiKeyId: 'key',
      sessionId: undefined,
    });
    await store.remember({ space: 'deliveries', tenantId: 't', key: 'k' }, 'v');
    const keys = (await redis.keys(`${prefix}:*`)).map((key) => key.slice(prefix.length + 1)).sort();
    expect(keys.map((key) => key.replace(/(?<=serving:).*/, 'me'))).toEqual([
      ...['answers-bytes:t', 'answers-bytes:t:key', 'answers:t:k', `attempts:broken:${fingerprint}`],
      ...['attempts:count', 'attempts:count:t', 'attempts:index', 'attempts:instances', 'attempts:serving:me'],
      ...['deliveries-bytes:t', 'deliveries:t:k'],
    ]);
    for (const key of keys.filter((name) => name !== 'attempts:instances')) {
      expect(await redis.pttl(`${prefix}:${key}`)).toBeGreaterThan(0);
    }
    expect(await redis.pttl(`${prefix}:attempts:broken:${fingerprint}`)).toBeLessThanOrEqual(NOTE_LIFE_MS);
  });

  it('should keep no more broken attempts in all than it may', async () => {
    const store = await connect();
    await redis.set(`${prefix}:attempts:count`, MAX_BROKEN.total - 1);
    const broken = [note(), note()];
    await breaks(store, ...broken);
    expect(await redis.hkeys(`${prefix}:attempts:broken:${fingerprint}`)).toEqual([broken[0]!.seed]);
  });

  it('should reject without a connection', async () => {
    const store = await connect();
    await store.close();
    await expect(store.take(fingerprint)).rejects.toThrow();
  });
});
