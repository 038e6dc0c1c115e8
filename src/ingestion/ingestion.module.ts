import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { ErrorsModule } from '../errors/errors.module.js';
import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { PlansModule } from '../plans/plans.module.js';
import { SchemasModule } from '../schemas/schemas.module.js';
import { TransportModule } from '../transport/transport.module.js';
import { EventAdmission } from './event.admission.js';
import { EventIntake } from './event.intake.js';
import { EventRowFactory, ReceiptClock } from './event-row.factory.js';
import { EventValidator } from './event.validator.js';
import { GroupCommit } from './group-commit.js';
import { RequestIntake } from './request.intake.js';
import { RequestRefusals } from './request.refusals.js';
import { TrackController } from './track.controller.js';
import { TrackService } from './track.service.js';

@Module({
  imports: [AuthModule, ErrorsModule, IdempotencyModule, MetricsModule, PlansModule, SchemasModule, TransportModule],
  controllers: [TrackController],
  providers: [
    TrackService,
    EventAdmission,
    EventValidator,
    EventRowFactory,
    ReceiptClock,
    RequestIntake,
    RequestRefusals,
    EventIntake,
    GroupCommit,
  ],
  exports: [EventIntake, ReceiptClock],
})
export class IngestionModule {}
