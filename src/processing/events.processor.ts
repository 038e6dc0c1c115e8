import { type BeforeApplicationShutdown, Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { EVENTS_V1 } from '../transport/batch-types.js';
import type { EventBatch } from '../transport/event-batch.js';
import type { BatchOutcome } from '../transport/event-transport.js';
import { BatchRefusedError } from '../warehouse/batch-refused.error.js';
import { EventWriter } from '../warehouse/event.writer.js';
import { Outage } from './outage.js';

/** Stores batches of events. It knows no queue: it says what became of a batch, and the transport acts on that. */
@Controller()
export class EventsProcessor implements BeforeApplicationShutdown {
  private readonly logger = new Logger(EventsProcessor.name);
  private readonly outage = new Outage();

  constructor(private readonly writer: EventWriter) {}

  /**
   * Returns when ClickHouse has committed the batch, or has refused it for good. While ClickHouse is away the batch waits
   * here: as many as are in hand keep trying, and the rest stays in the queue.
   * @throws Error when the process shuts down meanwhile; the batch is then delivered to another worker
   */
  @EventPattern(EVENTS_V1)
  async store(@Payload() batch: EventBatch): Promise<BatchOutcome> {
    for (;;) {
      try {
        await this.writer.store(batch);
        if (this.outage.end()) {
          this.logger.log('ClickHouse stores events again.');
        }
        return { kind: 'stored' };
      } catch (error) {
        if (error instanceof BatchRefusedError) {
          this.logger.error(`Batch ${batch.id} of ${batch.events} events goes to the dead letters. ${error.message}`);
          return { kind: 'dead-letter', reason: error.message };
        }
        if (this.outage.begin()) {
          this.logger.error(`Events wait in the queue until ClickHouse stores them. ${messageOf(error)}`);
        }
        await this.outage.wait();
      }
    }
  }

  beforeApplicationShutdown(): void {
    this.outage.stopWaiting();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
