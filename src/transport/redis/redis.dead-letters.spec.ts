import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { waitUntil } from '../../../test/support/wait-until.js';
import { uuid7 } from '../../common/uuid7.js';
import { RedisServer } from '../../embedded/redis.server.js';
import { RedisDeadLetters } from './redis.dead-letters.js';

const MB = 1024 * 1024;

describe('RedisDeadLetters', () => {
  let folder: string;
  let server: RedisServer;
  let redis: Redis;
  let letters: RedisDeadLetters;
  let errors: jest.SpyInstance;

  beforeEach(async () => {
    errors = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    folder = await mkdtemp(join(tmpdir(), 'segops-letters-'));
    server = await RedisServer.start({ dataDir: folder, args: ['--maxmemory', '100mb'] });
    redis = new Redis(server.url);
    await waitUntil(() => redis.status === 'ready');
    letters = new RedisDeadLetters(
      redis,
      (name) => `letters:${name}`,
      () => Promise.resolve(),
    );
  });
  afterEach(async () => {
    redis.disconnect();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
    jest.restoreAllMocks();
  });

  const add = async (tenantId: string | undefined, id = uuid7(), bytes = MB): Promise<boolean> =>
    letters.add({
      batch: { id, type: 'events.v1', events: 1, rows: Buffer.alloc(bytes) },
      tenantId,
      reason: 'VIOLATED_CONSTRAINT',
      diedAt: Date.now(),
    });
  const addUntilFull = async (tenantId: string | undefined): Promise<string[]> => {
    for (const kept: string[] = []; ;) {
      const id = uuid7();
      if (!(await add(tenantId, id))) return kept;
      kept.push(id);
    }
  };

  it('should keep the oldest of a tenant up to a twentieth of Redis, and go on with those of others', async () => {
    const kept = await addUntilFull('flood');
    expect(kept).toHaveLength(4);
    expect(await add('flood')).toBe(false);
    expect(await add('other')).toBe(true);
    expect(await add(undefined)).toBe(true);
    expect((await letters.list({ tenantId: 'flood', limit: 10 })).map(({ id }) => id)).toEqual(kept);
    expect(errors).toHaveBeenCalledTimes(1);
    expect(errors).toHaveBeenCalledWith(expect.stringContaining('tenant "flood"'));
  });

  it('should keep a fifth of Redis of all tenants together, so that the queue has the rest', async () => {
    let kept = 0;
    for (let tenant = 0; tenant < 10; tenant++) kept += (await addUntilFull(`tenant-${tenant}`)).length;
    expect(kept).toBe(19);
  });

  it('should have room again for what was replayed, removed, or died once more', async () => {
    const [one = '', other = '', again = ''] = await addUntilFull('acme');
    expect(await add('acme', again)).toBe(true);
    await letters.replay(one);
    await letters.remove(other);
    expect(await addUntilFull('acme')).toHaveLength(2);
    for (const { id } of await letters.list({ limit: 10 })) await letters.remove(id);
    expect(await redis.exists('letters:segops:dead-letter-sizes')).toBe(0);
  });
});
