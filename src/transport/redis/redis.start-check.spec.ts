import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { TestRedisCluster } from '../../../test/support/redis.cluster.js';
import { sharedRedisUrl } from '../../../test/support/servers.js';
import { waitUntil } from '../../../test/support/wait-until.js';
import { OperatorError } from '../../common/operator.error.js';
import { ConfigModule, loadConfiguration } from '../../config/load-configuration.js';
import { freePort } from '../../embedded/ports.js';
import { RedisServer } from '../../embedded/redis.server.js';
import { BullMqTransport } from '../bullmq/bullmq.transport.js';
import { StartCheckModule } from '../start-check.module.js';

async function start(redisUrl: string, environment: Record<string, string> = {}): Promise<void> {
  const configuration = loadConfiguration({
    REDIS_URL: redisUrl,
    CLICKHOUSE_URL: 'http://127.0.0.1:1',
    ...environment,
  });
  const imports = [ConfigModule.forRoot(configuration), StartCheckModule];
  const module = await Test.createTestingModule({ imports }).compile();
  await module.init();
  await module.close();
}

describe('RedisStartCheck', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'segops-start-check-'));
  let server: RedisServer;
  let redis: Redis;
  let logged: string[];

  beforeAll(async () => {
    server = await RedisServer.start({ dataDir });
    redis = new Redis(server.url);
    await redis.config('SET', 'appendonly', 'no');
  });
  beforeEach(() => {
    logged = [];
    jest.spyOn(Logger.prototype, 'error').mockImplementation((message: string) => logged.push(message));
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: string) => logged.push(message));
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
    rmSync(dataDir, { recursive: true });
  });

  it('should let the service start on a Redis that keeps what it is given', async () => {
    await start(sharedRedisUrl());
  });

  it('should keep it from starting on one without an append-only file, and say what to do', async () => {
    const refusal = start(server.url);
    await expect(refusal).rejects.toBeInstanceOf(OperatorError);
    await expect(refusal).rejects.toThrow(/REDIS_URL.*Set appendonly yes\..*REDIS_DURABILITY=warn/);
  });

  it('should name everything that is wrong at once', async () => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await expect(start(server.url)).rejects.toThrow(/Set appendonly yes\. Also, .*Set maxmemory-policy noeviction\./);
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
  });

  it('should let it start on one that is lossy where the operator says so', async () => {
    await start(server.url, { REDIS_DURABILITY: 'warn' });
  });

  it('should let it start on one that answers before the file is on disk: that is a choice, and a warning', async () => {
    await redis.config('SET', 'appendonly', 'yes');
    await redis.config('SET', 'appendfsync', 'everysec');
    await start(server.url);
    const transport = new BullMqTransport({ redisUrl: server.url, prefix: 'start-check' });
    await waitUntil(() => logged.some((line) => line.includes('Set appendfsync always.')));
    expect((await transport.status()).isDurable).toBe(true);
    await transport.close();
    await waitUntil(async () => (await redis.info('persistence')).includes('aof_rewrite_in_progress:0'));
    await waitUntil(async () => (await redis.info('persistence')).includes('aof_rewrite_scheduled:0'));
  });

  it('should let it start while Redis is away or does not answer', async () => {
    await start(`redis://127.0.0.1:${await freePort()}`);
    process.kill(server.pid, 'SIGSTOP');
    await start(server.url).finally(() => process.kill(server.pid, 'SIGCONT'));
  });

  it('should judge a replica too, which has the queue after a failover', async () => {
    const cluster = await TestRedisCluster.start({ replicas: 1 });
    try {
      const environment = { QUEUE_PREFIX: await cluster.prefixOn(0) };
      await start(cluster.url, environment);
      await cluster.onEach(async (node, number) => {
        if (number === 3) await node.config('SET', 'maxmemory-policy', 'allkeys-lru');
      });
      await expect(start(cluster.url, environment)).rejects.toThrow(/Set maxmemory-policy noeviction\./);
      // Another node's is no matter of ours.
      await start(cluster.url, { QUEUE_PREFIX: await cluster.prefixOn(1) });
    } finally {
      await cluster.stop();
    }
  });

  it('should be made up for at the first connection: an error in the log, and a metric', async () => {
    await redis.config('SET', 'appendonly', 'no');
    const transport = new BullMqTransport({ redisUrl: server.url, prefix: 'start-check' });
    await waitUntil(async () => (await transport.status().catch(() => undefined))?.isDurable === false);
    expect(logged).toContainEqual(expect.stringContaining('Set appendonly yes.'));
    await transport.close();
  });
});
