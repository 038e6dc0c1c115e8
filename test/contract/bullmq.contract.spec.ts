import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { BullMqTransport } from '../../src/transport/bullmq/bullmq.transport.js';
import type { TestBroker } from './queue.bench.js';
import { describeBrokerOutages, describeTransport } from './transport.contract.js';

async function startRedis(): Promise<TestBroker> {
  const dataDir = await mkdtemp(join(tmpdir(), 'segops-redis-'));
  let redis = await RedisServer.start({ dataDir });
  const { port, url } = redis;
  const restart = async (): Promise<void> => {
    redis = await RedisServer.start({ dataDir, port });
  };
  return {
    connect: () => new BullMqTransport({ redisUrl: url, prefix: 'contract' }),
    kill: () => redis.kill(),
    restart,
    crash: async () => {
      await redis.kill();
      await restart();
    },
    pause: () => process.kill(redis.pid, 'SIGSTOP'),
    resume: () => process.kill(redis.pid, 'SIGCONT'),
    stop: async () => {
      await redis.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

describeTransport('BullMQ', startRedis);
describeBrokerOutages('BullMQ', startRedis);
