import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { PubSubTransport } from '../../src/transport/pubsub/pubsub.transport.js';
import { describeOnPubSub, freshPubSubNames, sharedPubSubHost } from '../support/pubsub.js';
import { GrpcProxy } from '../support/grpc.proxy.js';
import type { TestBroker } from './queue.bench.js';
import { describeBrokerOutages, describeTransport } from './transport.contract.js';

/**
 * Google keeps the batches, which the emulator stands for: it goes on, as Google does, and what goes away is the network to it,
 * and the Redis in which dead letters are kept.
 */
async function startPubSub(): Promise<TestBroker> {
  const names = await freshPubSubNames();
  const network = await GrpcProxy.start(Number(sharedPubSubHost?.split(':')[1]));
  const dataDir = await mkdtemp(join(tmpdir(), 'segops-redis-'));
  let redis = await RedisServer.start({ dataDir });
  const { port, url } = redis;
  const kill = async (): Promise<void> => {
    await Promise.all([network.cut(), redis.kill()]);
  };
  const restart = async (): Promise<void> => {
    redis = await RedisServer.start({ dataDir, port });
    await network.restore();
  };
  return {
    connect: () => new PubSubTransport({ ...names, emulatorHost: network.host, redisUrl: url, prefix: 'contract' }),
    kill,
    restart,
    crash: async () => {
      await kill();
      await restart();
    },
    pause: () => {
      network.pause();
    },
    resume: () => {
      network.resume();
    },
    stop: async () => {
      await Promise.all([network.cut(), redis.stop()]);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

describeOnPubSub('Pub/Sub', () => {
  describeTransport('Pub/Sub', startPubSub, { tellsFirst: false });
  describeBrokerOutages('Pub/Sub', startPubSub);
});
