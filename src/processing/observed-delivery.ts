import { uuid7Time } from '../common/uuid7.js';
import type { BatchMetrics, DeliveryOutcome } from '../metrics/worker.metrics.js';
import { traceDelivery } from '../tracing/batch.trace.js';
import { OF_EVENTS } from '../transport/batch-types.js';
import { acceptedBatches, type EventBatch } from '../transport/event-batch.js';
import type {
  BatchHandler,
  BatchOutcome,
  ConsumeOptions,
  Consumption,
  EventTransport,
} from '../transport/event-transport.js';

/** The queue as a worker sees it, with every delivery counted and traced, whatever kind of batch it is. */
export class ObservedDelivery implements Pick<EventTransport, 'consume'> {
  constructor(
    private readonly transport: Pick<EventTransport, 'consume'>,
    private readonly metrics: BatchMetrics,
  ) {}

  consume(handler: BatchHandler, options: ConsumeOptions): Promise<Consumption> {
    return this.transport.consume((batch) => this.observe(batch, handler), options);
  }

  private async observe(batch: EventBatch, handler: BatchHandler): Promise<BatchOutcome> {
    try {
      const outcome = await traceDelivery(batch, () => handler(batch));
      this.metrics.delivered(nameOf(outcome));
      if (OF_EVENTS.has(batch.type)) this.countEvents(batch, outcome);
      return outcome;
    } catch (error) {
      this.metrics.delivered('redelivered');
      throw error;
    }
  }

  private countEvents(batch: EventBatch, { kind }: BatchOutcome): void {
    const { events, rows } = batch;
    switch (kind) {
      case 'stored': {
        const lagsMs = acceptedBatches(batch).map(({ id }) => Math.max(0, Date.now() - uuid7Time(id)));
        this.metrics.eventsStored({ events, bytes: rows.length, lagsMs });
        return;
      }
      case 'dead-letter':
        this.metrics.eventsDeadLettered(events);
        return;
      case 'split':
        // Its events come again, in batches of their own.
        return;
      default:
        kind satisfies never;
    }
  }
}

function nameOf({ kind }: BatchOutcome): DeliveryOutcome {
  return kind === 'dead-letter' ? 'dead_letter' : kind;
}
