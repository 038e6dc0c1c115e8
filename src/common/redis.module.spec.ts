import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { waitUntil } from '../../test/support/wait-until.js';
import { ConfigModule, loadConfiguration } from '../config/load-configuration.js';
import { freePort } from '../embedded/ports.js';
import { RedisServer } from '../embedded/redis.server.js';
import { failFastConnection, firstConnection } from './redis.connections.js';
import { RedisModule } from './redis.module.js';

const LONGER_THAN_A_TEST_MS = 100_000;

describe('RedisModule', () => {
  let module: TestingModule;
  let logged: jest.SpyInstance;

  beforeEach(() => {
    logged = jest.spyOn(Logger.prototype, 'error').mockImplementation();
  });
  afterEach(async () => {
    await module.close();
    jest.restoreAllMocks();
  });

  async function start(port: number): Promise<Redis> {
    const configuration = loadConfiguration({
      REDIS_URL: `redis://127.0.0.1:${port}`,
      CLICKHOUSE_URL: 'http://127.0.0.1:1',
    });
    module = await Test.createTestingModule({ imports: [ConfigModule.forRoot(configuration), RedisModule] }).compile();
    return module.get(Redis);
  }

  it('should be nothing, and say nothing, in a deployment without Redis', async () => {
    const configuration = loadConfiguration({ TRANSPORT: 'spool', CLICKHOUSE_URL: 'http://127.0.0.1:1' });
    module = await Test.createTestingModule({ imports: [ConfigModule.forRoot(configuration), RedisModule] }).compile();
    expect(module.get(Redis)).toBeNull();
    expect(logged).not.toHaveBeenCalled();
  });

  it('should be connected once it has started', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-redis-'));
    const server = await RedisServer.start({ dataDir });
    const redis = await start(server.port);
    expect(redis.status).toBe('ready');
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('should start where there is no Redis, fail every command, and connect when one comes', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-redis-'));
    const port = await freePort();
    const redis = await start(port);
    await expect(redis.ping()).rejects.toThrow();
    const server = await RedisServer.start({ dataDir, port });
    await waitUntil(() => redis.status === 'ready');
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('should start where Redis is frozen, and be connected when it is not any more', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-redis-'));
    const server = await RedisServer.start({ dataDir });
    process.kill(server.pid, 'SIGSTOP');
    const redis = await start(server.port);
    expect(redis.status).not.toBe('ready');
    process.kill(server.pid, 'SIGCONT');
    await waitUntil(() => redis.status === 'ready');
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
});

describe('firstConnection', () => {
  it('should not wait any longer once a connection was refused', async () => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const redisUrl = `redis://127.0.0.1:${await freePort()}`;
    const redis = failFastConnection({ redisUrl, prefix: 'first' }, new Logger('Redis'));
    await firstConnection(redis, LONGER_THAN_A_TEST_MS);
    expect(redis.status).not.toBe('ready');
    redis.disconnect();
    jest.restoreAllMocks();
  });
});
