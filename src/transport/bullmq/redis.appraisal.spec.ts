import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { RedisServer } from '../../embedded/redis.server.js';
import { waitUntil } from '../../../test/support/wait-until.js';
import { durabilityProblems } from './redis.durability.js';

describe('durabilityProblems', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'segops-durability-'));
  let server: RedisServer;
  let redis: Redis;

  beforeAll(async () => {
    server = await RedisServer.start({ dataDir });
    redis = new Redis(server.url);
  });
  afterAll(async () => {
    // Redis writes the file anew once it is switched on again, and does not stop in the middle of that.
    await waitUntil(async () => (await redis.info('persistence')).includes('aof_rewrite_in_progress:0'));
    await waitUntil(async () => (await redis.info('persistence')).includes('aof_rewrite_scheduled:0'));
    redis.disconnect();
    await server.stop();
    rmSync(dataDir, { recursive: true });
  });

  it('should find none with the embedded Redis', async () => {
    expect(await durabilityProblems(redis)).toEqual([]);
  });

  it.each([
    ['appendfsync', 'everysec', 'always', 'Set appendfsync always.'],
    ['maxmemory-policy', 'allkeys-lru', 'noeviction', 'Set maxmemory-policy noeviction.'],
    ['appendonly', 'no', 'yes', 'Set appendonly yes.'],
  ])('should name the remedy when %s is %s', async (setting, bad, good, remedy) => {
    await redis.config('SET', setting, bad);
    expect(await durabilityProblems(redis)).toEqual([expect.stringContaining(remedy)]);
    await redis.config('SET', setting, good);
    expect(await durabilityProblems(redis)).toEqual([]);
  });
});
