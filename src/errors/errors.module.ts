import { Module } from '@nestjs/common';
import { MetricsModule } from '../metrics/metrics.module.js';
import { TransportModule } from '../transport/transport.module.js';
import { WarehouseModule } from '../warehouse/warehouse.module.js';
import { ErrorRecorder } from './error.recorder.js';
import { ErrorsController } from './errors.controller.js';
import { ErrorsService } from './errors.service.js';

/** What went wrong with tenants' events: recorded by the API, read by their operators. */
@Module({
  imports: [MetricsModule, TransportModule, WarehouseModule],
  controllers: [ErrorsController],
  providers: [ErrorRecorder, ErrorsService],
  exports: [ErrorRecorder],
})
export class ErrorsModule {}
