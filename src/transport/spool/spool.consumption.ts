import { Logger } from '@nestjs/common';
import type { BatchHandler, BatchOutcome, Consumption } from '../event-transport.js';
import type { Delivery, SpoolQueue } from './spool.queue.js';

/** Hands a spool's batches to a handler, at most `concurrency` at a time. */
export class SpoolConsumption implements Consumption {
  private readonly logger = new Logger(SpoolConsumption.name);
  private readonly inHand = new Set<Promise<void>>();
  private readonly stopListening: () => void;
  private isClosing = false;
  private finishedAt: number | undefined;

  constructor(
    private readonly queue: SpoolQueue,
    private readonly handler: BatchHandler,
    private readonly concurrency: number,
  ) {
    this.stopListening = queue.onAvailable(() => {
      this.takeMore();
    });
    this.takeMore();
  }

  /** When it last finished a batch: milliseconds since 1970. */
  get lastFinishedAt(): number | undefined {
    return this.finishedAt;
  }

  async close(): Promise<void> {
    this.isClosing = true;
    this.stopListening();
    await Promise.all(this.inHand);
  }

  private takeMore(): void {
    while (!this.isClosing && this.inHand.size < this.concurrency) {
      const delivery = this.queue.take();
      if (delivery === undefined) {
        return;
      }
      const handling = this.handle(delivery).finally(() => {
        this.inHand.delete(handling);
        this.takeMore();
      });
      this.inHand.add(handling);
    }
  }

  private async handle(delivery: Delivery): Promise<void> {
    let outcome: BatchOutcome;
    try {
      outcome = await this.handler(delivery.batch);
    } catch {
      // Why is the handler's to log; a worker that ends hands it on at once.
      if (this.isClosing) this.queue.giveBack(delivery);
      else this.queue.giveBackLater(delivery);
      return;
    }
    this.finishedAt = Date.now();
    try {
      await this.settle(delivery, outcome);
    } catch (error) {
      this.logger.error(`The spool could not note what became of batch ${delivery.batch.id}. ${String(error)}`);
      this.queue.giveBackLater(delivery);
    }
  }

  private async settle(delivery: Delivery, outcome: BatchOutcome): Promise<void> {
    switch (outcome.kind) {
      case 'stored':
        return this.queue.finish(delivery);
      case 'split':
        return this.queue.replace(delivery, outcome.parts);
      case 'dead-letter':
        return this.queue.bury(delivery, outcome.reason, outcome.tenantId);
      default:
        return outcome satisfies never;
    }
  }
}
