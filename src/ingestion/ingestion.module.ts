import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { TransportModule } from '../transport/transport.module.js';
import { EventRowFactory } from './event-row.factory.js';
import { EventValidator } from './event.validator.js';
import { GroupCommit } from './group-commit.js';
import { ReceiptClock } from './receipt.clock.js';
import { TrackController } from './track.controller.js';
import { TrackService } from './track.service.js';

@Module({
  imports: [AuthModule, TransportModule],
  controllers: [TrackController],
  providers: [TrackService, EventValidator, EventRowFactory, ReceiptClock, GroupCommit],
})
export class IngestionModule {}
