import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Redis } from 'ioredis';
import { RedisModule } from '../common/redis.module.js';
import { Configuration } from '../config/configuration.js';
import { LimiterMetrics } from '../metrics/api.metrics.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { CallCounter, CallLimitGuard } from './call-limit.guard.js';
import { LimitCounters } from './counters/limit.counters.js';
import { EventCountsFile, ProcessLimitCounters } from './counters/process-limit.counters.js';
import { RedisLimitCounters } from './counters/redis-limit.counters.js';
import { EventQuota, QuotaClock } from './event-quota.js';
import { TenantLimits } from './tenant-limits.service.js';

/** What tenants may use: calls a minute, at every route, and events a month, where events come in. */
@Module({
  imports: [RedisModule, MetricsModule, TenantsModule],
  providers: [
    TenantLimits,
    { provide: LimitCounters, inject: [Redis, Configuration, LimiterMetrics], useFactory: createCounters },
    CallCounter,
    QuotaClock,
    EventQuota,
    { provide: APP_GUARD, useClass: CallLimitGuard },
  ],
  exports: [EventQuota],
})
export class PlansModule {}

/** In Redis, where instances count together; without Redis this process is the only one. */
function createCounters(redis: Redis | null, { queuePrefix, dataDir }: Configuration, metrics: LimiterMetrics) {
  return redis === null
    ? new ProcessLimitCounters(new EventCountsFile(join(dataDir, 'events-a-month.json')))
    : new RedisLimitCounters(redis, metrics, `${queuePrefix}:limits`);
}
