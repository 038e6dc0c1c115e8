import { Module } from '@nestjs/common';
import { TransportModule } from '../transport/transport.module.js';
import { WarehouseModule } from '../warehouse/warehouse.module.js';
import { QueueDepth } from './queue.depth.js';
import { StatsClock } from './stats.clock.js';
import { StatsController } from './stats.controller.js';
import { StatsService } from './stats.service.js';

/** What was received of tenants' events, for their operators. */
@Module({
  imports: [TransportModule, WarehouseModule],
  controllers: [StatsController],
  providers: [QueueDepth, StatsClock, StatsService],
})
export class StatsModule {}
