import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type { Configuration } from '../../config/configuration.js';
import type { LimiterMetrics } from '../../metrics/api.metrics.js';
import { EventCountsFile, ProcessLimitCounters } from './process-limit.counters.js';
import type { LimitCounters } from './limit.counters.js';
import { RedisLimitCounters } from './redis-limit.counters.js';

/** Counters in Redis where there is one, which other instances may share; else this process is the only one. */
export function createLimitCounters(
  redis: Redis | null,
  { queuePrefix, dataDir }: Configuration,
  metrics: LimiterMetrics,
): LimitCounters {
  return redis === null
    ? new ProcessLimitCounters(new EventCountsFile(join(dataDir, 'events-a-month.json')))
    : new RedisLimitCounters(redis, metrics, `${queuePrefix}:limits`);
}
