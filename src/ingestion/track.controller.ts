import { Body, Controller, Headers, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Accepts } from '../auth/accepts.decorator.js';
import { CurrentPrincipal } from '../auth/principal.decorator.js';
import type { Principal } from '../auth/principal.js';
import { RawBody } from '../common/raw-body.js';
import { parseIdempotencyKey } from './idempotency-key.js';
import type { Sender } from './sender.js';
import { type TrackBatchResult, TrackService } from './track.service.js';
import { trackDocs } from './track.docs.js';

/** Where back ends and browsers post events. */
@Controller('api/ingestion/track')
@Accepts(['secret-key', 'session'])
export class TrackController {
  constructor(private readonly service: TrackService) {}

  @Post()
  @HttpCode(202)
  @RawBody()
  @trackDocs.one
  async track(
    @Req() request: FastifyRequest,
    @CurrentPrincipal() principal: Principal,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Body() body: Buffer | undefined,
  ): Promise<{ queued: true }> {
    await this.service.track(senderOf('track', request, principal, idempotencyKey), body);
    return { queued: true };
  }

  @Post('batch')
  @HttpCode(202)
  @RawBody()
  @trackDocs.batch
  trackBatch(
    @Req() request: FastifyRequest,
    @CurrentPrincipal() principal: Principal,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Body() body: Buffer | undefined,
  ): Promise<TrackBatchResult> {
    return this.service.trackBatch(senderOf('batch', request, principal, idempotencyKey), body);
  }
}

function senderOf(
  source: Sender['source'],
  { id: requestId }: FastifyRequest,
  principal: Principal,
  idempotencyKey: string | undefined,
): Sender {
  return {
    tenantId: principal.tenantId,
    requestId,
    source,
    uid: principal.kind === 'session' ? principal.uid : undefined,
    idempotencyKey: parseIdempotencyKey(idempotencyKey),
  };
}
