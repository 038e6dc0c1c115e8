import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { EventTransport } from '../transport/event-transport.js';

/** Whether the queue that events are published to can be reached and has room; `pubsub_topic` whichever transport it is. */
@Injectable()
export class QueueHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly transport: EventTransport,
  ) {}

  async check(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('pubsub_topic');
    try {
      const { isRefusing } = await this.transport.status();
      return isRefusing === true ? indicator.down('full') : indicator.up();
    } catch {
      return indicator.down('down');
    }
  }
}
