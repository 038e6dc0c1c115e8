import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { RedisServer } from '../../embedded/redis.server.js';
import { waitUntil } from '../../../test/support/wait-until.js';
import { checkDurability } from './redis.durability.js';

describe('checkDurability', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'segops-durability-'));
  let server: RedisServer;
  let redis: Redis;

  beforeAll(async () => {
    server = await RedisServer.start({ dataDir });
    redis = new Redis(server.url);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    // Redis writes the file anew once it is switched on again, and does not stop in the middle of that.
    await waitUntil(async () => (await redis.info('persistence')).includes('aof_rewrite_in_progress:0'));
    await waitUntil(async () => (await redis.info('persistence')).includes('aof_rewrite_scheduled:0'));
    redis.disconnect();
    await server.stop();
    rmSync(dataDir, { recursive: true });
  });

  it('should find nothing wrong with the embedded Redis', async () => {
    expect(await checkDurability(redis)).toEqual([]);
  });

  it.each([
    ['appendfsync', 'everysec', 'always', 'risky', 'Set appendfsync always.'],
    ['appendfsync', 'no', 'always', 'lossy', 'Set appendfsync always.'],
    ['maxmemory-policy', 'allkeys-lru', 'noeviction', 'lossy', 'Set maxmemory-policy noeviction.'],
    ['appendonly', 'no', 'yes', 'lossy', 'Set appendonly yes.'],
  ])('should name the remedy when %s is %s', async (setting, bad, good, gravity, remedy) => {
    await redis.config('SET', setting, bad);
    expect(await checkDurability(redis)).toEqual([{ gravity, text: expect.stringContaining(remedy) }]);
    await redis.config('SET', setting, good);
    expect(await checkDurability(redis)).toEqual([]);
  });

  it('should judge a Redis that keeps its configuration to itself by the rest', async () => {
    const url = new URL(server.url);
    await redis.call('ACL', 'SETUSER', 'managed', 'on', '>secret', '~*', '+@all', '-config');
    const managed = new Redis({ port: Number(url.port), username: 'managed', password: 'secret' });
    expect(await checkDurability(managed)).toEqual([]);
    managed.disconnect();
  });

  it.each([
    ['7.2.4', '7.2.5'],
    ['7.2.4', '8.1.1'],
    ['1.0.0', '10.0.0'],
  ])('should find Valkey young enough whatever Redis it says it is: %s, as %s', async (compatible, version) => {
    const valkey = `redis_version:${compatible}\r\nserver_name:valkey\r\nvalkey_version:${version}\r\nvalkey_release_stage:ga`;
    jest.spyOn(redis, 'info').mockResolvedValue((await redis.info()).replace(/redis_version:\S+/, valkey));
    expect(await checkDurability(redis)).toEqual([]);
  });

  it.each([
    ['4.0.14', 'unusable'],
    ['5.0.0', 'risky'],
    ['6.0.16', 'risky'],
    ['6.2.0', undefined],
    ['7.2.4', undefined],
    ['10.0.1', undefined],
  ])('should call Redis %s %s', async (version, gravity) => {
    const info = (await redis.info()).replace(/redis_version:\S+/, `redis_version:${version}`);
    jest.spyOn(redis, 'info').mockResolvedValue(info);
    expect((await checkDurability(redis)).map((finding) => finding.gravity)).toEqual(
      gravity === undefined ? [] : [gravity],
    );
  });
});
