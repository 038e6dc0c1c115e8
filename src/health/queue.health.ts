import { Inject, Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { TransportStatus } from '../transport/event-transport.js';
import { Spool } from '../transport/spool/spool.js';

/** Whether the queue that events are published to takes them; `pubsub_topic` whichever transport it is. */
@Injectable()
export class QueueHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    @Inject(Spool) private readonly spool: Spool | null,
  ) {}

  async check(status: Promise<TransportStatus>): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('pubsub_topic');
    try {
      const { isRefusing, refusal } = await status;
      const word = isRefusing === true ? 'full' : refusal;
      return word === undefined ? indicator.up() : indicator.down(word);
    } catch {
      return indicator.down('down');
    }
  }

  /** Whether this process's own disk takes events while the queue does not; a part only where it does not. */
  checkSpool(): HealthIndicatorResult {
    return this.spool?.store.isFull === true ? this.indicators.check('spool').down('full') : {};
  }
}
