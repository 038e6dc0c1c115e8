import { Redis } from 'ioredis';
import { freshRedisPrefix, sharedRedisUrl } from '../../../test/support/servers.js';
import { uuid7 } from '../../common/uuid7.js';
import { CombinedBatches, type LockedJob } from './combined.batches.js';

const HOUR_MS = 3_600_000;

describe('CombinedBatches', () => {
  let redis: Redis;
  let prefix: string;
  let combined: CombinedBatches;
  let spareBytes: number;

  const newJob = async (now?: number): Promise<LockedJob> => {
    const job = { id: uuid7(now), token: `worker:${uuid7()}` };
    await redis.hset(`${prefix}:${job.id}`, 'data', 'its own');
    await redis.set(`${prefix}:${job.id}:lock`, job.token);
    return job;
  };
  const dataOf = (jobs: readonly LockedJob[]) =>
    Promise.all(jobs.map(({ id }) => redis.hget(`${prefix}:${id}`, 'data')));
  const known = (jobs: readonly LockedJob[]) => Promise.all(jobs.map(({ id }) => combined.has(id)));

  beforeEach(() => {
    redis = new Redis(sharedRedisUrl());
    prefix = freshRedisPrefix();
    spareBytes = Infinity;
    combined = new CombinedBatches(redis, (name) => `${prefix}:${name}`, {
      borrow: (bytes, work) => (bytes > spareBytes ? Promise.resolve(undefined) : work()),
    });
  });
  afterEach(() => redis.quit());

  it('should give the first job the data of all, and know each of them', async () => {
    const jobs = [await newJob(), await newJob(), await newJob(Date.now() - HOUR_MS)];
    const other = await newJob();
    expect(await combined.combine(jobs, Buffer.from('all'), 'moved')).toBe(true);
    expect(await dataOf([...jobs, other])).toEqual(['all', 'moved', 'moved', 'its own']);
    expect(await known([...jobs, other])).toEqual([true, true, true, false]);
  });

  it('should change nothing when another worker may have one of them', async () => {
    const jobs = [await newJob(), await newJob()];
    const lost = [...jobs, { ...(await newJob()), token: 'another worker' }];
    expect(await combined.combine(lost, Buffer.from('all'), 'moved')).toBe(false);
    const gone = [...jobs, { id: uuid7(), token: 'a worker' }];
    expect(await combined.combine(gone, Buffer.from('all'), 'moved')).toBe(false);
    expect(await dataOf(jobs)).toEqual(['its own', 'its own']);
    expect(await known(jobs)).toEqual([false, false]);
  });

  it('should change nothing when Redis has no room for the data twice', async () => {
    const jobs = [await newJob(), await newJob()];
    spareBytes = 5;
    expect(await combined.combine(jobs, Buffer.from('all'), 'moved')).toBe(false);
    expect(await dataOf(jobs)).toEqual(['its own', 'its own']);
    spareBytes = 6;
    expect(await combined.combine(jobs, Buffer.from('all'), 'moved')).toBe(true);
  });

  it('should forget them after hours', async () => {
    await combined.combine([await newJob(), await newJob()], Buffer.from('all'), 'moved');
    const [key, ...others] = await redis.keys(`${prefix}:segops:combined:*`);
    expect(others).toEqual([]);
    expect(await redis.ttl(key!)).toBeGreaterThan(HOUR_MS / 1_000);
  });
});
