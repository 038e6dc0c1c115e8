import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiServiceUnavailableResponse } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Accepts, EVERYBODY } from '../auth/principal.js';
import { unavailable } from '../common/errors.js';
import { HealthService } from './health.service.js';
import { Readiness } from './readiness.js';

const RETRY_AFTER_SECONDS = 5;

/** Of each part `ok`, or a short word for what is wrong. */
class HealthBody {
  @ApiProperty() readonly pubsub_topic!: string;
  @ApiProperty() readonly worker!: string;
  @ApiProperty() readonly clickhouse!: string;
  /** Present only while the spool is full. */
  @ApiProperty({ required: false }) readonly spool?: string;
}

class StatusBody {
  @ApiProperty({ enum: ['ok'] }) readonly status!: 'ok';
}

/** What Kubernetes, load balancers and people ask a process about its state; no credentials are needed. */
@Controller()
@Accepts(EVERYBODY)
export class HealthController {
  constructor(
    private readonly health: HealthService,
    private readonly readiness: Readiness,
  ) {}

  /** The whole way of an event. */
  @Get('api/ingestion/health')
  @ApiOperation({ summary: 'Ask about the whole way of an event' })
  @ApiOkResponse({ description: 'All parts are `ok`.', type: HealthBody })
  @ApiServiceUnavailableResponse({
    description: 'A part is not; a short word in place of `ok` says what it is.',
    type: HealthBody,
  })
  async report(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readonly<Record<string, string>>> {
    const { healthy, parts } = await this.health.report();
    void reply.status(healthy ? 200 : 503).header('cache-control', 'no-store');
    return parts;
  }

  /** This process lives. */
  @Get('livez')
  @ApiOperation({ summary: 'Ask whether this process lives' })
  @ApiOkResponse({ description: 'It does.', type: StatusBody })
  live(): StatusBody {
    return { status: 'ok' };
  }

  /** This process takes requests. Asks nobody: a ClickHouse that is away must not take the API away too. */
  @Get('readyz')
  @ApiOperation({ summary: 'Ask whether this process takes requests' })
  @ApiOkResponse({ description: 'It does.', type: StatusBody })
  @ApiServiceUnavailableResponse({ description: 'It is shutting down.' })
  ready(): StatusBody {
    if (!this.readiness.isReady) {
      throw unavailable('Shutting down.', RETRY_AFTER_SECONDS);
    }
    return { status: 'ok' };
  }
}
