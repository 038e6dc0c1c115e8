import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Redis } from 'ioredis';
import { RedisModule } from '../common/redis.module.js';
import { Configuration } from '../config/configuration.js';
import { LimiterMetrics } from '../metrics/api.metrics.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { CallCounter, CallLimitGuard } from './call-limit.guard.js';
import { createLimitCounters } from './counters/create-limit-counters.js';
import { LimitCounters } from './counters/limit.counters.js';
import { EventQuota, QuotaClock } from './event-quota.js';
import { TenantLimits } from './tenant-limits.service.js';

/** What tenants may use: calls a minute, at every route, and events a month, where events come in. */
@Module({
  imports: [RedisModule, MetricsModule, TenantsModule],
  providers: [
    TenantLimits,
    { provide: LimitCounters, inject: [Redis, Configuration, LimiterMetrics], useFactory: createLimitCounters },
    CallCounter,
    QuotaClock,
    EventQuota,
    { provide: APP_GUARD, useClass: CallLimitGuard },
  ],
  exports: [EventQuota],
})
export class PlansModule {}
