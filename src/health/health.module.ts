import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { TransportModule } from '../transport/transport.module.js';
import { WarehouseModule } from '../warehouse/warehouse.module.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { Readiness } from './readiness.js';

@Module({
  imports: [
    // A failing check is the caller's to report; logged at every probe it would bury the cause.
    TerminusModule.forRoot({ logger: false }),
    TransportModule,
    WarehouseModule,
  ],
  controllers: [HealthController],
  providers: [HealthService, Readiness],
})
export class HealthModule {}
