import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { waitUntil } from '../../../test/support/wait-until.js';
import { uuid7 } from '../../common/uuid7.js';
import { RedisServer } from '../../embedded/redis.server.js';
import type { EventBatch } from '../event-batch.js';
import { type BatchHandler, type Consumption, STORED, TransportUnavailableError } from '../event-transport.js';
import { BullMqTransport } from './bullmq.transport.js';

const MEGABYTE = 1024 * 1024;
const stored: BatchHandler = () => Promise.resolve(STORED);
const batchOf = (bytes: number, type = 'x'): EventBatch => ({
  id: uuid7(),
  type,
  events: 1,
  rows: Buffer.alloc(bytes, 'x'),
});

describe('RedisCapacity', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'segops-room-'));
  let server: RedisServer;
  let redis: Redis;
  let transport: BullMqTransport;
  let consumption: Consumption | undefined;
  let logged: string[];

  beforeAll(async () => {
    server = await RedisServer.start({ dataDir });
    redis = new Redis(server.url);
  });
  beforeEach(async () => {
    logged = [];
    const log = (message: string) => logged.push(message);
    jest.spyOn(Logger.prototype, 'error').mockImplementation(log);
    jest.spyOn(Logger.prototype, 'log').mockImplementation(log);
    await redis.flushall();
    await redis.config('SET', 'maxmemory', '32mb');
  });
  afterEach(async () => {
    await consumption?.close();
    consumption = undefined;
    await transport.close();
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
    rmSync(dataDir, { recursive: true });
  });

  const connect = async (maxBatches = 1_000_000): Promise<void> => {
    transport = new BullMqTransport({ redisUrl: server.url, prefix: 'room', maxBatches });
    await waitUntil(async () => (await transport.status().catch(() => undefined))?.memoryRatio !== undefined);
  };
  const isRefusing = async () => (await transport.status()).isRefusing;
  /** Publishes until it is refused; answers how many were taken. */
  const fill = async (bytes: number): Promise<number> => {
    for (let taken = 0; ; taken++) {
      try {
        await transport.publish(batchOf(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(TransportUnavailableError);
        if (String(error).includes('nearly full')) return taken;
      }
    }
  };
  const drain = async (handler = stored): Promise<void> => {
    consumption = await transport.consume(handler, { concurrency: 4 });
    await waitUntil(async () => (await transport.status()).pending === 0);
  };

  it('should refuse batches at once when four fifths of the memory are used, long before Redis would', async () => {
    await connect();
    expect(await fill(300_000)).toBeGreaterThan(40);
    const { memoryRatio } = await transport.status();
    expect(memoryRatio).toBeGreaterThan(0.7);
    expect(memoryRatio).toBeLessThan(0.85);
    await expect(redis.info('errorstats')).resolves.not.toContain('OOM');
    expect(await isRefusing()).toBe(true);
  });

  it('should refuse in time when everything arrives in one moment', async () => {
    await connect();
    const results = await Promise.allSettled(Array.from({ length: 200 }, () => transport.publish(batchOf(300_000))));
    const refused = results.filter(
      (result) => result.status === 'rejected' && String(result.reason).includes('nearly full'),
    );
    // The others were sent, whether or not a busy machine answered them in time.
    // Four fifths of 32 MB take 89 of them, less what Redis itself takes.
    expect(refused.length).toBeGreaterThan(110);
    expect(refused.length).toBeLessThan(140);
    await waitUntil(async () => (await transport.status()).pending === 200 - refused.length);
    await expect(redis.info('errorstats')).resolves.not.toContain('OOM');
  });

  it('should let workers go on, and take batches again once they have made room, saying so once', async () => {
    await connect();
    await fill(300_000);
    await fill(300_000);
    await drain();
    await waitUntil(async () => !(await isRefusing()));
    await transport.publish(batchOf(1));
    expect(logged.filter((line) => line.includes('nearly full'))).toHaveLength(1);
    expect(logged.filter((line) => line.includes('has room again'))).toHaveLength(1);
  });

  it('should refuse batches when as many wait as the operator allows, and resume below seven eighths of that', async () => {
    await connect(40);
    expect(await fill(10)).toBe(40);
    let left = 40;
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    consumption = await transport.consume(
      async () => {
        if (--left < 36) await held;
        return STORED;
      },
      { concurrency: 1 },
    );
    await waitUntil(() => left === 35);
    await waitUntil(async () => (await transport.status()).pending === 36);
    const asked = jest.spyOn(Redis.prototype, 'info');
    // The first answer has been judged when Redis is asked a second time.
    await waitUntil(() => asked.mock.calls.length > 1);
    expect(await isRefusing()).toBe(true);
    release();
    await waitUntil(async () => !(await isRefusing()));
  });

  it('should refuse batches at once after Redis itself has refused one, and resume when it has memory', async () => {
    await connect();
    const used = 2 * MEGABYTE;
    await fill(used);
    await drain();
    await waitUntil(async () => !(await isRefusing()));
    await redis.config('SET', 'maxmemory', '1');
    await expect(transport.publish(batchOf(10))).rejects.toThrow(TransportUnavailableError);
    expect(await isRefusing()).toBe(true);
    const added = jest.spyOn(Redis.prototype, 'multi');
    await expect(transport.publish(batchOf(10))).rejects.toThrow('nearly full');
    expect(added).not.toHaveBeenCalled();
    await redis.config('SET', 'maxmemory', '32mb');
    await waitUntil(async () => !(await isRefusing()));
    await transport.publish(batchOf(10));
  });
});
