import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { waitUntil } from '../../test/support/wait-until.js';
import { ConfigModule } from '../config/config.module.js';
import { loadConfiguration } from '../config/load-configuration.js';
import { freePort } from '../embedded/ports.js';
import { RedisServer } from '../embedded/redis.server.js';
import { RedisModule } from './redis.module.js';

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

  async function start(port: number): Promise<{ redis: Redis; took: number }> {
    const configuration = loadConfiguration({
      REDIS_URL: `redis://127.0.0.1:${port}`,
      CLICKHOUSE_URL: 'http://127.0.0.1:1',
    });
    const began = performance.now();
    module = await Test.createTestingModule({ imports: [ConfigModule.forRoot(configuration), RedisModule] }).compile();
    return { redis: module.get(Redis), took: performance.now() - began };
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
    const { redis } = await start(server.port);
    expect(redis.status).toBe('ready');
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('should start at once where there is no Redis, fail every command, and connect when one comes', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-redis-'));
    const port = await freePort();
    const { redis, took } = await start(port);
    expect(took).toBeLessThan(500);
    await expect(redis.ping()).rejects.toThrow();
    const server = await RedisServer.start({ dataDir, port });
    await waitUntil(() => redis.status === 'ready');
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('should start after a second where Redis is frozen, and be connected when it is not any more', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'segops-redis-'));
    const server = await RedisServer.start({ dataDir });
    process.kill(server.pid, 'SIGSTOP');
    const { redis, took } = await start(server.port);
    expect(took).toBeGreaterThan(900);
    expect(took).toBeLessThan(1_500);
    process.kill(server.pid, 'SIGCONT');
    await waitUntil(() => redis.status === 'ready');
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
});
