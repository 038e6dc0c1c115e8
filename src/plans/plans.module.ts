import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { RedisModule } from '../common/redis.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { CallCounter } from './call.counter.js';
import { CallLimitGuard } from './call-limit.guard.js';
import { EventQuota } from './event-quota.js';
import { LimitCounters } from './limit.counters.js';
import { QuotaClock } from './quota.clock.js';
import { TenantLimits } from './tenant-limits.service.js';

/** What tenants may use: calls a minute, at every route, and events a month, where events come in. */
@Module({
  imports: [RedisModule, MetricsModule, TenantsModule],
  providers: [
    TenantLimits,
    LimitCounters,
    CallCounter,
    QuotaClock,
    EventQuota,
    { provide: APP_GUARD, useClass: CallLimitGuard },
  ],
  exports: [EventQuota],
})
export class PlansModule {}
