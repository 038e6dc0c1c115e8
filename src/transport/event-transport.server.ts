import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Delivery } from './event-batch.js';
import type { BatchOutcome, ConsumeOptions, Consumption, EventTransport } from './event-transport.js';

/**
 * The strategy by which the worker is a Nest microservice: batches of any {@link EventTransport} reach the
 * `@EventPattern` handler for their type. Nest's own `handleEvent` does not wait for a handler; this one does, so that
 * a batch is acknowledged only after it was stored.
 */
export class EventTransportServer extends Server implements CustomTransportStrategy {
  private consumption: Consumption | undefined;

  constructor(
    private readonly transport: Pick<EventTransport, 'consume'>,
    private readonly options: ConsumeOptions,
  ) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.transport
      .consume((delivery) => this.dispatch(delivery), this.options)
      .then((consumption) => {
        this.consumption = consumption;
        callback();
      }, callback);
  }

  async close(): Promise<void> {
    await this.consumption?.close();
    this.consumption = undefined;
  }

  /** There is no server object of a client library behind this strategy, nor does it emit events. */
  unwrap(): never {
    throw new Error('EventTransportServer has no underlying server.');
  }

  on(): never {
    throw new Error('EventTransportServer emits no events.');
  }

  private async dispatch(delivery: Delivery): Promise<BatchOutcome> {
    const { type } = delivery.batch;
    const handler = this.getHandlerByPattern(type) as MessageHandler<Delivery, unknown, BatchOutcome> | null;
    if (handler === null) {
      // A newer API wrote it, in the middle of an upgrade: it waits in the queue for a newer worker.
      throw new Error(`This worker knows no batches of type ${type}. Upgrade the workers.`);
    }
    const result: unknown = await handler(delivery);
    return (isObservable(result) ? await lastValueFrom(result) : result) as BatchOutcome;
  }
}
