import { uuid7Time } from '../common/uuid7.js';
import type { BatchMetrics, DeliveryOutcome } from '../metrics/worker.metrics.js';
import { traceDelivery } from '../tracing/batch.trace.js';
import { type Delivery, type EventBatch, EVENTS_V1 } from '../transport/event-batch.js';
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
    return this.transport.consume((delivery) => this.observe(delivery, handler), options);
  }

  private async observe(delivery: Delivery, handler: BatchHandler): Promise<BatchOutcome> {
    const { batch } = delivery;
    try {
      const outcome = await traceDelivery(batch, () => handler(delivery), nameOf);
      this.metrics.delivered(nameOf(outcome));
      if (batch.type === EVENTS_V1) this.countEvents(batch, outcome);
      return outcome;
    } catch (error) {
      this.metrics.delivered('redelivered');
      throw error;
    }
  }

  private countEvents({ id, events }: EventBatch, { deadLetters }: BatchOutcome): void {
    const dead = deadLetters.reduce((sum, { batch }) => sum + batch.events, 0);
    if (dead > 0) this.metrics.eventsDeadLettered(dead);
    if (dead < events) this.metrics.eventsStored(events - dead, Date.now() - uuid7Time(id));
  }
}

function nameOf({ deadLetters }: BatchOutcome): DeliveryOutcome {
  return deadLetters.length > 0 ? 'dead_letter' : 'stored';
}
