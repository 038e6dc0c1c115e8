import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { Registry } from 'prom-client';
import { waitUntil } from '../../../test/support/wait-until.js';
import { RedisServer } from '../../embedded/redis.server.js';
import { LimiterMetrics } from '../../metrics/limiter.metrics.js';
import { failFastConnection } from '../../common/redis.connections.js';
import { LimitRedis } from './limit.redis.js';

describe('LimitRedis', () => {
  let dataDir: string;
  let server: RedisServer;
  let redis: Redis;
  let registry: Registry;
  let counters: LimitRedis;
  let lines: string[];

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-limits-'));
    server = await RedisServer.start({ dataDir });
    redis = failFastConnection({ redisUrl: server.url, prefix: 'limits' }, new Logger('Redis'));
    await waitUntil(() => redis.status === 'ready');
    registry = new Registry();
    counters = new LimitRedis(redis, new LimiterMetrics(registry));
    lines = [];
    const note = (line: unknown) => void lines.push(String(line));
    jest.spyOn(Logger.prototype, 'error').mockImplementation(note);
    jest.spyOn(Logger.prototype, 'log').mockImplementation(note);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    redis.disconnect();
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const count = () => counters.ask('calls', (connection) => connection.incr('n'));
  const failures = async (): Promise<number> => {
    const text = await registry.getSingleMetricAsString('segops_limiter_failures_total');
    return Number(/limiter="calls"} (\d+)/.exec(text)?.[1]);
  };
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    expect(await work()).toBeUndefined();
    return performance.now() - began;
  };
  const linesAbout = (what: RegExp) => lines.filter((line) => what.test(line));

  it('should answer what Redis answers', async () => {
    expect(await count()).toBe(1);
    expect(await count()).toBe(2);
    expect(await failures()).toBe(0);
  });

  it('should give up a frozen Redis after 150 ms, then not wait at all, and count again when it is back', async () => {
    process.kill(server.pid, 'SIGSTOP');
    try {
      expect(await timed(count)).toBeLessThan(250);
      expect(await timed(count)).toBeLessThan(10);
      expect(await failures()).toBe(2);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    await waitUntil(async () => (await count()) !== undefined);
    expect(linesAbout(/not limited/)).toHaveLength(1);
    expect(linesAbout(/limited again/)).toHaveLength(1);
  });

  it('should let one request find out whether it is back, while the others pass', async () => {
    process.kill(server.pid, 'SIGSTOP');
    try {
      await count();
      let slow = 0;
      await waitUntil(async () => {
        const waits = await Promise.all(Array.from({ length: 20 }, () => timed(count)));
        slow = waits.filter((wait) => wait > 100).length;
        return slow > 0;
      });
      expect(slow).toBe(1);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
  });

  it('should not wait for a dead Redis, say so once, and count again when it is back', async () => {
    await server.kill();
    await waitUntil(() => redis.status !== 'ready');
    for (let i = 1; i <= 20; i++) {
      expect(await timed(count)).toBeLessThan(50);
      expect(await failures()).toBe(i);
    }
    server = await RedisServer.start({ dataDir, port: server.port });
    await waitUntil(async () => (await count()) !== undefined);
    expect(linesAbout(/not limited/)).toHaveLength(1);
  });

  it('should let requests pass that Redis dies under', async () => {
    process.kill(server.pid, 'SIGSTOP');
    const asked = Array.from({ length: 20 }, count);
    await server.kill();
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 20 }, () => undefined));
    expect(await failures()).toBe(20);
  });

  it('should let requests pass that a full Redis refuses to count', async () => {
    await redis.config('SET', 'maxmemory', '1');
    expect(await count()).toBeUndefined();
    expect(linesAbout(/OOM/)).toHaveLength(1);
  });
});
