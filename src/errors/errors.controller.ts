import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import { Accepts, CurrentPrincipal, type Principal } from '../auth/principal.js';
import { QueuedBody } from '../common/api.properties.js';
import { ErrorsBody, ErrorsQueryDto } from './errors.dto.js';
import { ErrorsService } from './errors.service.js';

/** Where a tenant's operators read what was not stored, and why. */
@Controller('api/ingestion/errors')
@Accepts(['user', 'secret-key'])
export class ErrorsController {
  constructor(private readonly errors: ErrorsService) {}

  @Get()
  @ApiOperation({ summary: 'Read what was not stored, and why' })
  @ApiOkResponse({ description: 'The latest errors, newest first.', type: ErrorsBody })
  async list(@CurrentPrincipal() { tenantId }: Principal, @Query() { limit }: ErrorsQueryDto): Promise<ErrorsBody> {
    return ErrorsBody.of(await this.errors.recent(tenantId, limit));
  }

  /** Tries once more to store the events of a dead letter; the id is that of its error. */
  @Post(':id/replay')
  @Accepts(['user'])
  @HttpCode(202)
  @ApiOperation({
    summary: 'Try again to store the events of a dead letter',
    description: 'Each event is stored once, however often this is asked.',
  })
  @ApiParam({
    name: 'id',
    description: 'The id of an error of the type `dead_letter`.',
    example: '019aa1f0-7c2e-7b3a-9d55-0c6a3f1f4b11',
  })
  @ApiAcceptedResponse({ description: 'The events are in the queue again.', type: QueuedBody })
  @ApiNotFoundResponse({ description: 'The tenant has no such dead letter, or it has been stored.' })
  async replay(@CurrentPrincipal() { tenantId }: Principal, @Param('id') id: string): Promise<QueuedBody> {
    await this.errors.replay(tenantId, id);
    return { queued: true };
  }
}
