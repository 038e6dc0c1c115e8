import { Logger } from '@nestjs/common';
import { BatchCombiner, type Group } from '../combining/batch.combiner.js';
import type { EventBatch } from '../event-batch.js';
import type { BatchHandler, BatchOutcome, ConsumeOptions, Consumption } from '../event-transport.js';
import type { Delivery, SpoolQueue } from './spool.queue.js';

/** Hands a spool's batches to a handler, several as one where they may be, and has at most `concurrency` in hand. */
export class SpoolConsumption implements Consumption {
  private readonly logger = new Logger(SpoolConsumption.name);
  private readonly inHand = new Set<Promise<void>>();
  private readonly stopListening: () => void;
  private isClosing = false;
  private finishedAt: number | undefined;
  private readonly combiner: BatchCombiner<Delivery>;
  private readonly concurrency: number;
  private readonly combinable: ReadonlySet<string>;

  constructor(
    private readonly queue: SpoolQueue,
    private readonly handler: BatchHandler,
    { concurrency, combinable = new Set() }: ConsumeOptions,
  ) {
    this.concurrency = concurrency;
    this.combinable = combinable;
    this.combiner = new BatchCombiner<Delivery>(
      { combine: (group, whole) => this.combine(group, whole), handle: (delivery) => this.handle(delivery) },
      Math.ceil(concurrency / 2),
    );
    this.stopListening = queue.onAvailable(() => {
      this.takeMore();
    });
    this.takeMore();
  }

  /** When it last finished a batch, as `performance.now()` tells. */
  get lastFinishedAt(): number | undefined {
    return this.finishedAt;
  }

  async close(): Promise<void> {
    this.isClosing = true;
    this.stopListening();
    this.combiner.hurry();
    await Promise.all(this.inHand);
  }

  private takeMore(): void {
    while (!this.isClosing && this.inHand.size < this.concurrency) {
      const delivery = this.queue.take();
      if (delivery === undefined) {
        return;
      }
      const canWait = delivery.isNew && this.combinable.has(delivery.batch.type);
      const handling = (canWait ? this.combiner.add(delivery) : this.handle(delivery)).finally(() => {
        this.inHand.delete(handling);
        this.takeMore();
      });
      this.inHand.add(handling);
    }
  }

  /** @returns what has taken their place; undefined when each is still there */
  private async combine(group: Group<Delivery>, whole: EventBatch): Promise<Delivery | undefined> {
    try {
      return await this.queue.combine(group, whole);
    } catch {
      // The disk takes nothing more at the moment. What is on it can be stored one by one.
      return undefined;
    }
  }

  /** Never rejects. */
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
    this.finishedAt = performance.now();
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
        if (!(await this.queue.bury(delivery, outcome.reason, outcome.tenantId))) {
          const { id, events } = delivery.batch;
          this.logger.error(
            `Batch ${id} of ${events} events is given up: dead letters take as much of the spool as they may.`,
          );
        }
        return;
      default:
        return outcome satisfies never;
    }
  }
}
