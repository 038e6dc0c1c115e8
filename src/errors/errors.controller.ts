import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Accepts, CurrentPrincipal, type Principal } from '../auth/principal.js';
import type { ErrorRow } from '../warehouse/error-row.js';
import { DeadLetterReplay } from './dead-letter.replay.js';
import { ErrorsQueryDto } from './dto/errors-query.dto.js';
import { errorsDocs } from './errors.docs.js';
import { ErrorsService } from './errors.service.js';

/** Where a tenant's operators read what was not stored, and why. */
@Controller('api/ingestion/errors')
@Accepts(['user', 'secret-key'])
export class ErrorsController {
  constructor(
    private readonly errors: ErrorsService,
    private readonly deadLetters: DeadLetterReplay,
  ) {}

  @Get()
  @errorsDocs.list
  async list(@CurrentPrincipal() { tenantId }: Principal, @Query() { limit }: ErrorsQueryDto) {
    return { errors: (await this.errors.recent(tenantId, limit)).map(toBody) };
  }

  /** Tries once more to store the events of a dead letter; the id is that of its error. */
  @Post(':id/replay')
  @Accepts(['user'])
  @HttpCode(202)
  @errorsDocs.replay
  async replay(@CurrentPrincipal() { tenantId }: Principal, @Param('id') id: string) {
    await this.deadLetters.replay(tenantId, id);
    return { queued: true };
  }
}

function toBody(row: ErrorRow) {
  return {
    id: row.id,
    ts: new Date(row.ts).toISOString(),
    error_type: row.errorType,
    detail: row.detail,
    event_type: row.eventType || null,
    user_id: row.userId || null,
    request_id: row.requestId || null,
    source: row.source,
  };
}
