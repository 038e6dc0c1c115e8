import { RedisStore } from '../../src/idempotency/redis/redis.store.js';
import { BullMqTransport } from '../../src/transport/bullmq/bullmq.transport.js';
import { TestRedisCluster } from '../support/redis.cluster.js';
import { freshRedisPrefix } from '../support/servers.js';
import { describeIdempotencyStore } from './idempotency-store.contract.js';
import type { TestBroker } from './queue.bench.js';
import { describeBrokerOutages, describeTransport } from './transport.contract.js';

let cluster: TestRedisCluster;
let prefix: string;

beforeAll(async () => {
  cluster = await TestRedisCluster.start();
});
beforeEach(() => {
  // A slot of its own, so that all nodes get their turn.
  prefix = `{${freshRedisPrefix()}}`;
});
afterAll(async () => {
  await cluster.stop();
});

/** Each has the keys of a prefix; what goes away and comes back is the whole cluster. */
function startQueue(): Promise<TestBroker> {
  const mine = `{${freshRedisPrefix()}}`;
  return Promise.resolve({
    connect: () => new BullMqTransport({ redisUrl: cluster.url, prefix: mine }),
    kill: () => cluster.kill(),
    restart: () => cluster.restart(),
    crash: async () => {
      await cluster.kill();
      await cluster.restart();
    },
    pause: () => {
      cluster.signal('SIGSTOP');
    },
    resume: () => {
      cluster.signal('SIGCONT');
    },
    stop: () => Promise.resolve(),
  });
}

describeTransport('BullMQ on Redis Cluster', startQueue);
describeBrokerOutages('BullMQ on Redis Cluster', startQueue);
describeIdempotencyStore('Redis Cluster', {
  begin: () => RedisStore.connect({ redisUrl: cluster.url, prefix }),
});
