import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { freshRedisPrefix, sharedRedisUrl } from '../../../test/support/servers.js';
import { uuid7 } from '../../common/uuid7.js';
import { QueueStatus } from './queue.status.js';

const HOUR_MS = 3_600_000;

describe('QueueStatus', () => {
  let redis: Redis;
  let queue: Queue;
  let status: QueueStatus;

  beforeEach(async () => {
    redis = new Redis(sharedRedisUrl(), { maxRetriesPerRequest: null });
    queue = new Queue('status', { connection: redis, prefix: freshRedisPrefix() });
    await queue.waitUntilReady();
    status = new QueueStatus(redis, queue);
  });
  afterEach(async () => {
    await queue.obliterate({ force: true });
    await queue.close();
    redis.disconnect();
  });

  const add = (ageMs: number, delay: number) => queue.add('events.v1', {}, { jobId: uuid7(Date.now() - ageMs), delay });

  it('should know the age of batches that failed and wait for their next attempt', async () => {
    const began = Date.now();
    await add(1_000, 10_000);
    await add(60_000, 20_000);
    await add(0, 0);
    const { pending, oldestPendingMs } = await status.read();
    expect(pending).toBe(3);
    expect(oldestPendingMs).toBeGreaterThanOrEqual(60_000);
    expect(oldestPendingMs).toBeLessThanOrEqual(Date.now() - began + 60_000);
  });

  it('should believe no sign of life that is dated in the future, once the clock was set back', async () => {
    await status.workers.beat('dead', true);
    expect(await status.read()).toMatchObject({ consumers: 1, lastFinishedMsAgo: expect.any(Number) as number });
    await redis.zadd(queue.toKey('segops:consumers'), Date.now() + HOUR_MS, 'dead');
    await redis.set(queue.toKey('segops:finished'), Date.now() + HOUR_MS);
    expect(await status.read()).toMatchObject({ consumers: 0, lastFinishedMsAgo: undefined });

    await status.workers.beat('alive', true);
    expect(await status.read()).toMatchObject({ consumers: 1, lastFinishedMsAgo: expect.any(Number) as number });
  });
});
