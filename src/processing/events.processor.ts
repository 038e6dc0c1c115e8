import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { EVENTS_V1 } from '../transport/batch-types.js';
import type { EventBatch } from '../transport/event-batch.js';
import type { BatchOutcome } from '../transport/event-transport.js';
import { BatchRefusedError } from '../warehouse/batch-refused.error.js';
import { EventWriter } from '../warehouse/event.writer.js';
import { partsByTenant } from './batch-parts.js';
import { BatchStorage } from './batch.storage.js';
import { DeadLetterRecorder } from './dead-letter.recorder.js';
import { LagRecorder } from './lag.recorder.js';

/** Stores batches of events. It knows no queue: it says what became of a batch, and the transport acts on that. */
@Controller()
export class EventsProcessor {
  private readonly logger = new Logger(EventsProcessor.name);
  private readonly storage: BatchStorage;

  constructor(
    writer: EventWriter,
    private readonly deadLetters: DeadLetterRecorder,
    private readonly lag: LagRecorder,
  ) {
    this.storage = new BatchStorage(writer, { what: 'Events', maxWaiting: Infinity });
  }

  /**
   * Returns when ClickHouse has committed the batch, or has refused it. Then its tenants part: from there on each one's
   * events are stored apart, by {@link EventsApartProcessor}. Bytes that are not rows cannot be parted, and are a dead letter
   * as a whole. While ClickHouse is away the batch waits here: as many as are in hand keep trying, and the rest stays in the
   * queue.
   * @throws Error when the process shuts down meanwhile; the batch is then delivered to another worker
   */
  @EventPattern(EVENTS_V1)
  async store(@Payload() batch: EventBatch): Promise<BatchOutcome> {
    try {
      await this.storage.store(batch);
      this.lag.stored(batch);
      return { kind: 'stored' };
    } catch (error) {
      if (!(error instanceof BatchRefusedError)) {
        throw error;
      }
      const parts = partsByTenant(batch);
      if (parts !== undefined) {
        this.logger.warn(
          `Looking for the events in batch ${batch.id} of ${batch.events} that are refused. ${error.message}`,
        );
        return { kind: 'split', parts };
      }
      this.logger.error(`Batch ${batch.id} of ${batch.events} events goes to the dead letters. ${error.message}`);
      await this.deadLetters.record(batch, error.message);
      return { kind: 'dead-letter', reason: error.message };
    }
  }

  /** See {@link BatchStorage.stopWaiting}. */
  stopWaiting(insertsWithinMs: number): void {
    this.storage.stopWaiting(insertsWithinMs);
  }
}
