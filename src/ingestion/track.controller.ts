import { Body, Controller, Headers, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiKeyGuard } from '../auth/api-key.guard.js';
import { CurrentPrincipal } from '../auth/principal.decorator.js';
import type { Principal } from '../auth/principal.js';
import { RawBody } from '../common/raw-body.js';
import type { Sender } from './event-row.factory.js';
import { parseIdempotencyKey } from './idempotency-key.js';
import { type TrackBatchResult, TrackService } from './track.service.js';

/** Where back ends and browsers post events. */
@Controller('api/ingestion/track')
@UseGuards(ApiKeyGuard)
export class TrackController {
  constructor(private readonly service: TrackService) {}

  @Post()
  @HttpCode(202)
  @RawBody()
  async track(
    @CurrentPrincipal() principal: Principal,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Body() body: Buffer | undefined,
  ): Promise<{ queued: true }> {
    await this.service.track(senderOf(principal, idempotencyKey), body);
    return { queued: true };
  }

  @Post('batch')
  @HttpCode(202)
  @RawBody()
  trackBatch(
    @CurrentPrincipal() principal: Principal,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Body() body: Buffer | undefined,
  ): Promise<TrackBatchResult> {
    return this.service.trackBatch(senderOf(principal, idempotencyKey), body);
  }
}

function senderOf({ tenantId }: Principal, idempotencyKey: string | undefined): Sender {
  return { tenantId, idempotencyKey: parseIdempotencyKey(idempotencyKey) };
}
