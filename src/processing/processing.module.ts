import { Module } from '@nestjs/common';
import { MetricsModule } from '../metrics/metrics.module.js';
import { TransportModule } from '../transport/transport.module.js';
import { WarehouseModule } from '../warehouse/warehouse.module.js';
import { ComplianceProcessor } from './compliance.processor.js';
import { DeadLetterRecorder } from './dead-letter.recorder.js';
import { ErrorsProcessor, ErrorStorage } from './errors.processor.js';
import { EventsProcessor } from './events.processor.js';
import { LagRecorder } from './lag.recorder.js';

@Module({
  imports: [MetricsModule, TransportModule, WarehouseModule],
  controllers: [EventsProcessor, ErrorsProcessor, ComplianceProcessor],
  providers: [DeadLetterRecorder, ErrorStorage, LagRecorder],
})
export class ProcessingModule {}
