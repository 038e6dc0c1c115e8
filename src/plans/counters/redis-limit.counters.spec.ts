import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { Registry } from 'prom-client';
import { waitUntil } from '../../../test/support/wait-until.js';
import { failFastConnection } from '../../common/redis.connections.js';
import { RedisServer } from '../../embedded/redis.server.js';
import { LimiterMetrics } from '../../metrics/api.metrics.js';
import { LimitRedis } from './redis-limit.counters.js';

describe('LimitRedis', () => {
  let dataDir: string;
  let server: RedisServer;
  let redis: Redis;
  let registry: Registry;
  let counters: LimitRedis;
  let lines: string[];
  /** What `performance.now()` says. */
  let clock: number;
  const incr = jest.fn((connection: Redis) => connection.incr('n'));

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-limits-'));
    server = await RedisServer.start({ dataDir });
    redis = failFastConnection({ redisUrl: server.url, prefix: 'limits' }, new Logger('Redis'));
    await waitUntil(() => redis.status === 'ready');
    registry = new Registry();
    counters = new LimitRedis(redis, new LimiterMetrics(registry));
    clock = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => clock);
    incr.mockClear();
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

  const count = () => counters.ask('calls', incr);
  const failures = async (): Promise<number> => {
    const text = await registry.getSingleMetricAsString('segops_limiter_failures_total');
    return Number(/limiter="calls"} (\d+)/.exec(text)?.[1]);
  };
  /** A second later somebody may ask Redis again. */
  const countAgain = () => {
    clock += 1_000;
    return count();
  };
  const untilItCounts = () => waitUntil(async () => (await countAgain()) !== undefined);
  const linesAbout = (what: RegExp) => lines.filter((line) => what.test(line));

  it('should answer what Redis answers', async () => {
    expect(await count()).toBe(1);
    expect(await count()).toBe(2);
    expect(await failures()).toBe(0);
  });

  it('should give up a frozen Redis after 150 ms, not ask it for a second, and count again when it is back', async () => {
    process.kill(server.pid, 'SIGSTOP');
    try {
      expect(await count()).toBeUndefined();
      expect(linesAbout(/not limited .*no answer within 150 ms/)).toHaveLength(1);
      clock += 999;
      expect(await count()).toBeUndefined();
      expect(incr).toHaveBeenCalledTimes(1);
      expect(await failures()).toBe(2);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    await untilItCounts();
    expect(linesAbout(/not limited/)).toHaveLength(1);
    expect(linesAbout(/limited again/)).toHaveLength(1);
  });

  it('should let one request find out whether it is back, while the others pass', async () => {
    process.kill(server.pid, 'SIGSTOP');
    try {
      await count();
      clock += 1_000;
      const counts = await Promise.all(Array.from({ length: 20 }, count));
      expect(counts).toEqual(Array.from({ length: 20 }, () => undefined));
      expect(incr).toHaveBeenCalledTimes(2);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
  });

  it('should not ask a dead Redis, say so once, and count again when it is back', async () => {
    await server.kill();
    await waitUntil(() => redis.status !== 'ready');
    for (let i = 1; i <= 20; i++) {
      expect(await countAgain()).toBeUndefined();
      expect(await failures()).toBe(i);
    }
    expect(incr).not.toHaveBeenCalled();
    server = await RedisServer.start({ dataDir, port: server.port });
    await untilItCounts();
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
