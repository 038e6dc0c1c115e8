import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { freshRedisPrefix, sharedRedisUrl } from '../../../test/support/servers.js';
import { waitUntil } from '../../../test/support/wait-until.js';
import { uuid7 } from '../../common/uuid7.js';
import type { Delivery, EventBatch } from '../event-batch.js';
import { type Consumption, STORED } from '../event-transport.js';
import { BullMqTransport } from './bullmq.transport.js';

const newBatch = (): EventBatch => ({ id: uuid7(), type: 'events.v1', events: 1, rows: Buffer.from(uuid7()) });

describe('BullMqConsumption', () => {
  let prefix: string;
  let redis: Redis;
  let queue: Queue;
  let transport: BullMqTransport;
  let consumption: Consumption | undefined;
  let delivered: Delivery[];

  beforeEach(async () => {
    prefix = freshRedisPrefix();
    redis = new Redis(sharedRedisUrl(), { maxRetriesPerRequest: null });
    queue = new Queue('events', { connection: redis, prefix });
    transport = new BullMqTransport({ redisUrl: sharedRedisUrl(), prefix });
    delivered = [];
    await waitUntil(() => transport.status().then(Boolean, () => false));
  });
  afterEach(async () => {
    await consumption?.close();
    await transport.close();
    await queue.close();
    redis.disconnect();
  });

  const consume = async (concurrency = 8): Promise<void> => {
    consumption = await transport.consume(
      (delivery) => {
        delivered.push(delivery);
        return Promise.resolve(STORED);
      },
      { concurrency },
    );
  };
  const untilEmpty = () => waitUntil(async () => (await transport.status()).pending === 0);
  const keysOf = (name: string) => redis.keys(`${prefix}:events:${name}`);

  it('should leave neither a job nor its rows in Redis', async () => {
    const batches = Array.from({ length: 50 }, newBatch);
    await Promise.all(batches.map((batch) => transport.publish(batch)));
    expect(await keysOf('rows:*')).toHaveLength(50);
    await consume();
    await untilEmpty();
    expect(delivered).toHaveLength(50);
    expect([await keysOf('rows:*'), await queue.getFailedCount()]).toEqual([[], 0]);
  });

  it('should complete a job whose rows are gone, which are stored', async () => {
    const [stored, other] = [newBatch(), newBatch()];
    for (const batch of [stored, other]) await transport.publish(batch);
    await redis.del(`${prefix}:events:rows:${stored.id}`);
    await consume();
    await untilEmpty();
    expect(delivered.map(({ batch }) => batch.id)).toEqual([other.id]);
    expect(await queue.getFailedCount()).toBe(0);
  });

  it('should deliver what an older build left in the queue, as what may be stored already', async () => {
    const rows = Buffer.from('rows of events');
    const data = { events: 3, rows: rows.toString('base64') };
    const options = { attempts: Number.MAX_SAFE_INTEGER, backoff: { type: 'custom' }, removeOnComplete: true };
    const combines = [{ id: 'a', events: 3, bytes: 14 }];
    const parts = ['part-a', 'part-b'].map((id) => ({ id, type: 'events.v1.apart', ...data }));
    const jobs: [name: string, data: object, jobId: string][] = [
      ['events.v1', data, 'as-published'],
      ['events.v1', { id: 'combined', combines, ...data }, 'combined'],
      ['events.v1', { movedTo: 'combined' }, 'moved'],
      ['events.v1', { again: true, ...data }, 'spooled'],
      ['events.v1', { id: 'replayed', ...data }, 'of-a-replay'],
      ['events.v1', { parts }, 'split'],
      ['events.v1.apart', data, 'apart'],
      ['errors.v1', data, 'errors'],
    ];
    for (const [name, job, jobId] of jobs) await queue.add(name, job, { ...options, jobId });
    await consume();
    await untilEmpty();
    const ids = ['as-published', 'combined', 'spooled', 'replayed', 'part-a', 'part-b', 'apart'];
    const batchOf = (id: string, type = 'events.v1') => ({ id, type, events: 3, rows, mayBeRepeated: true });
    expect([...delivered].sort((a, b) => a.batch.id.localeCompare(b.batch.id))).toEqual(
      [...ids.map((id) => batchOf(id)), batchOf('errors', 'errors.v1')]
        .sort((a, b) => a.id.localeCompare(b.id))
        .map((batch) => ({ batch, isFirst: false })),
    );
    expect(await queue.getFailedCount()).toBe(0);
  });

  it('should keep a job that holds no batch among the failed ones, and say nothing of it to the handler', async () => {
    await queue.add('events.v1', { hello: 'world' });
    await consume();
    await waitUntil(async () => (await queue.getFailedCount()) === 1);
    expect(delivered).toEqual([]);
  });
});
