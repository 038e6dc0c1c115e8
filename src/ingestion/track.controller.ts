import { Body, Controller, Headers, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiHeader, ApiOperation } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Accepts, CurrentPrincipal, type SecretKeyPrincipal, type SessionPrincipal } from '../auth/principal.js';
import { QueuedBody } from '../common/api.properties.js';
import { RawBody } from '../common/body.parser.js';
import { TrackEventDto } from '../events/track-event.dto.js';
import { IdempotentRequests, parseIdempotencyKey, type RequestIdentity } from '../idempotency/idempotent.requests.js';
import { spenderOf } from '../plans/budgets.js';
import type { Sender } from './sender.js';
import { type TrackBatchResult, TrackService } from './track.service.js';
import { BATCH_EXAMPLES, EVENT_EXAMPLES, IDEMPOTENCY_KEY, TrackBatchBody, TrackBatchDto } from './track.dto.js';

/** Where back ends and browsers post events. */
@Controller('api/ingestion/track')
@Accepts(['secret-key', 'session'])
export class TrackController {
  constructor(
    private readonly service: TrackService,
    private readonly requests: IdempotentRequests,
  ) {}

  @Post()
  @HttpCode(202)
  @RawBody()
  @ApiOperation({
    summary: 'Send one event',
    description:
      'Fields that are not named are ignored. With a session’s token `user_id` is the session’s `uid`, whatever the body says.',
  })
  @ApiHeader(IDEMPOTENCY_KEY)
  @ApiBody({ type: TrackEventDto, examples: EVENT_EXAMPLES })
  @ApiAcceptedResponse({ description: 'The event is on disk.', type: QueuedBody })
  track(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @CurrentPrincipal() principal: EventPrincipal,
    @Headers('Idempotency-Key') key: string | undefined,
    @Body() body: Buffer | undefined,
  ): Promise<QueuedBody> {
    const sender = senderOf('track', request, principal);
    return this.once({ sender, key, body, reply }, async (identity) => {
      await this.service.track(sender, body, identity);
      return { queued: true } as const;
    });
  }

  @Post('batch')
  @HttpCode(202)
  @RawBody()
  @ApiOperation({
    summary: 'Send up to 500 events',
    description:
      'One bad event never costs a good one: it is skipped and reported. `MAX_BATCH_EVENTS` is the limit, 500 unless set otherwise.',
  })
  @ApiHeader(IDEMPOTENCY_KEY)
  @ApiBody({ type: TrackBatchDto, examples: BATCH_EXAMPLES })
  @ApiAcceptedResponse({ description: 'The events that were not skipped are on disk.', type: TrackBatchBody })
  trackBatch(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @CurrentPrincipal() principal: EventPrincipal,
    @Headers('Idempotency-Key') key: string | undefined,
    @Body() body: Buffer | undefined,
  ): Promise<TrackBatchResult> {
    const sender = senderOf('batch', request, principal);
    return this.once({ sender, key, body, reply }, (identity) => this.service.trackBatch(sender, body, identity));
  }

  private once<T extends object>(
    { sender: { tenantId, caller, source, uid }, key, body, reply }: Incoming,
    serve: (identity: RequestIdentity) => Promise<T>,
  ): Promise<T> {
    return this.requests.once(parseIdempotencyKey(key), { tenantId, caller, route: source, uid, body }, reply, serve);
  }
}

/** Of the kinds that the controller accepts. */
type EventPrincipal = SecretKeyPrincipal | SessionPrincipal;

interface Incoming {
  readonly sender: Sender;
  readonly key: string | undefined;
  readonly body: Buffer | undefined;
  readonly reply: FastifyReply;
}

function senderOf(source: Sender['source'], request: FastifyRequest, principal: EventPrincipal): Sender {
  return {
    tenantId: principal.tenantId,
    spender: spenderOf(principal, request.ip),
    requestId: request.id,
    source,
    ...(principal.kind === 'session'
      ? { uid: principal.uid, caller: { apiKeyId: principal.apiKey.id, sessionId: principal.sessionId } }
      : { uid: undefined, caller: { apiKeyId: principal.apiKeyId, sessionId: undefined } }),
  };
}
