import { Module } from '@nestjs/common';
import { TransportModule } from '../transport/transport.module.js';
import { WarehouseModule } from '../warehouse/warehouse.module.js';
import { ComplianceProcessor } from './compliance.processor.js';
import { DeadLetterRecorder } from './dead-letter.recorder.js';
import { ErrorStorage } from './error.storage.js';
import { ErrorsProcessor } from './errors.processor.js';
import { EventsApartProcessor } from './events-apart.processor.js';
import { EventsProcessor } from './events.processor.js';
import { LagRecorder } from './lag.recorder.js';
import { SplitAllowance } from './split.allowance.js';

@Module({
  imports: [TransportModule, WarehouseModule],
  controllers: [EventsProcessor, EventsApartProcessor, ErrorsProcessor, ComplianceProcessor],
  providers: [DeadLetterRecorder, ErrorStorage, LagRecorder, SplitAllowance],
})
export class ProcessingModule {}
