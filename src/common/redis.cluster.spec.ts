import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { TestRedisCluster } from '../../test/support/redis.cluster.js';
import { sharedRedisUrl } from '../../test/support/servers.js';
import { waitUntil } from '../../test/support/wait-until.js';
import { failFastConnection, firstConnection, patientConnection } from './redis.connections.js';

describe('A connection to a Redis Cluster', () => {
  const logger = new Logger('Redis');
  const connections: Redis[] = [];
  let cluster: TestRedisCluster;

  beforeAll(async () => {
    cluster = await TestRedisCluster.start({ replicas: 1 });
  });
  afterEach(() => {
    for (const redis of connections.splice(0)) redis.disconnect();
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    await cluster.stop();
  });

  const connect = async (prefix: string, redisUrl = cluster.url): Promise<Redis> => {
    const redis = failFastConnection({ redisUrl, prefix }, logger);
    connections.push(redis);
    await firstConnection(redis);
    return redis;
  };
  const portOf = async (redis: Redis): Promise<number> =>
    Number(/tcp_port:(\d+)/.exec(await redis.info('server'))?.[1]);

  it.each([0, 1, 2])('should lead to node %d where that owns the slot of the prefix', async (number) => {
    const prefix = await cluster.prefixOn(number);
    const redis = await connect(prefix);
    expect(await portOf(redis)).toBe(cluster.node(number).server.port);
    await redis.mset(`${prefix}:one`, 1, `${prefix}:other`, 2);
    expect(await redis.mget(`${prefix}:one`, `${prefix}:other`)).toEqual(['1', '2']);
  });

  it('should find the cluster by whichever of the named nodes lives', async () => {
    const dead = 'redis+cluster://127.0.0.1:1,';
    const redis = await connect(await cluster.prefixOn(2), dead + cluster.url.replace('redis+cluster://', ''));
    expect(await redis.ping()).toBe('PONG');
  });

  it('should say so where there is no cluster', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const redis = await connect('{x}', sharedRedisUrl().replace('redis://', 'redis+cluster://'));
    expect(redis.status).not.toBe('ready');
    expect(logged).toHaveBeenCalledWith(expect.stringContaining('cluster support disabled'));
  });

  it('should follow the slot to another node, one that waits without a failure', async () => {
    const prefix = await cluster.prefixOn(1);
    const hasty = await connect(prefix);
    const patient = patientConnection({ redisUrl: cluster.url, prefix }, logger, new AbortController().signal);
    connections.push(patient);
    await patient.set(`${prefix}:kept`, 'kept');
    await cluster.move(prefix, 1, 2);

    expect(await patient.get(`${prefix}:kept`)).toBe('kept');
    await expect(hasty.get(`${prefix}:kept`)).rejects.toThrow('MOVED');
    await waitUntil(async () => (await hasty.get(`${prefix}:kept`).catch(() => undefined)) === 'kept');
    expect(await portOf(hasty)).toBe(cluster.node(2).server.port);
  });

  it('should follow the slot to the replica that takes over from a node that died', async () => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const prefix = await cluster.prefixOn(0);
    const redis = await connect(prefix);
    await redis.set(`${prefix}:kept`, 'kept');
    await redis.wait(1, 1_000);
    await cluster.node(0).server.kill();
    await waitUntil(async () => (await redis.get(`${prefix}:kept`).catch(() => undefined)) === 'kept', {
      timeoutMs: 20_000,
    });
    expect(await portOf(redis)).toBe(cluster.node(3).server.port);
  });
});
