import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { EVENTS_APART_V1 } from '../transport/batch-types.js';
import type { EventBatch } from '../transport/event-batch.js';
import type { BatchOutcome } from '../transport/event-transport.js';
import { BatchRefusedError } from '../warehouse/batch-refused.error.js';
import type { StorableBatch } from '../warehouse/batch.writer.js';
import { encodedEvents } from '../warehouse/encoded-events.js';
import { EventWriter } from '../warehouse/event.writer.js';
import { halvesOf } from './batch-parts.js';
import { BatchStorage } from './batch.storage.js';
import { DeadLetterRecorder } from './dead-letter.recorder.js';
import { LagRecorder } from './lag.recorder.js';
import { SplitAllowance } from './split.allowance.js';

/**
 * Stores events of one tenant that came out of a refused batch, and finds those that were at fault. One step at a time: a
 * batch that is refused again, of which nothing was stored then, gives its place in the queue to its halves. So every event
 * is in one batch only at any time, and each batch is stored under its own id, wherever a worker dies and whether or not
 * ClickHouse says the same of a batch when it comes again.
 */
@Controller()
export class EventsApartProcessor {
  private readonly logger = new Logger(EventsApartProcessor.name);
  private readonly storage: BatchStorage;

  constructor(
    writer: EventWriter,
    private readonly deadLetters: DeadLetterRecorder,
    private readonly allowance: SplitAllowance,
    private readonly lag: LagRecorder,
  ) {
    const destination = { store: (batch: StorableBatch) => writer.storeApart(batch) };
    this.storage = new BatchStorage(destination, { what: 'Events set apart', maxWaiting: Infinity });
  }

  /**
   * Returns when ClickHouse has committed the batch, or has refused it: a single event is a dead letter then, and its tenant
   * can read so. So are several when this process has no splits left for the minute; a replay goes on with the search.
   * @throws Error when the process shuts down meanwhile; the batch is then delivered to another worker
   */
  @EventPattern(EVENTS_APART_V1)
  async store(@Payload() batch: EventBatch): Promise<BatchOutcome> {
    try {
      await this.storage.store(batch);
      this.lag.stored(batch);
      return { kind: 'stored' };
    } catch (error) {
      if (!(error instanceof BatchRefusedError)) {
        throw error;
      }
      return this.refused(batch, error.message);
    }
  }

  /** See {@link BatchStorage.stopWaiting}. */
  stopWaiting(insertsWithinMs: number): void {
    this.storage.stopWaiting(insertsWithinMs);
  }

  private async refused(batch: EventBatch, reason: string): Promise<BatchOutcome> {
    const events = encodedEvents(batch.rows) ?? [];
    if (events.length > 1 && this.allowance.take()) {
      return { kind: 'split', parts: halvesOf(batch, events) };
    }
    this.logger.error(`Dead letter ${batch.id} of ${batch.events} events. ${reason}`);
    await this.deadLetters.record(batch, reason);
    const [first] = events;
    return { kind: 'dead-letter', reason, ...(first === undefined ? {} : { tenantId: first.tenantId }) };
  }
}
