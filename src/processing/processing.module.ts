import { Module } from '@nestjs/common';
import { TransportModule } from '../transport/transport.module.js';
import { WarehouseModule } from '../warehouse/warehouse.module.js';
import { EventsProcessor } from './events.processor.js';

@Module({
  imports: [TransportModule, WarehouseModule],
  controllers: [EventsProcessor],
})
export class ProcessingModule {}
