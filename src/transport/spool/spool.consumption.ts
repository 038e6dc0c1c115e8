import { Logger } from '@nestjs/common';
import type { BatchHandler, BatchOutcome, ConsumeOptions, Consumption } from '../event-transport.js';
import type { SpoolQueue, TakenBatch } from './spool.queue.js';

/** Hands a spool's batches to a handler, and has at most `concurrency` in hand. */
export class SpoolConsumption implements Consumption {
  private readonly logger = new Logger(SpoolConsumption.name);
  private readonly inHand = new Set<Promise<void>>();
  private readonly stopListening: () => void;
  private isClosing = false;
  private finishedAt: number | undefined;

  constructor(
    private readonly queue: SpoolQueue,
    private readonly handler: BatchHandler,
    private readonly options: ConsumeOptions,
  ) {
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
    await Promise.all(this.inHand);
  }

  private takeMore(): void {
    while (!this.isClosing && this.inHand.size < this.options.concurrency) {
      const taken = this.queue.take();
      if (taken === undefined) {
        return;
      }
      const handling = this.handle(taken).finally(() => {
        this.inHand.delete(handling);
        this.takeMore();
      });
      this.inHand.add(handling);
    }
  }

  /** Never rejects. */
  private async handle(taken: TakenBatch): Promise<void> {
    let outcome: BatchOutcome;
    try {
      outcome = await this.handler({ batch: taken.batch, isFirst: taken.isFirst });
    } catch {
      // Why is the handler's to log; a worker that ends hands it on at once.
      if (this.isClosing) this.queue.giveBack(taken);
      else this.queue.giveBackLater(taken);
      return;
    }
    this.finishedAt = performance.now();
    try {
      await this.finish(taken, outcome);
    } catch (error) {
      this.logger.error(`The spool could not note what became of batch ${taken.batch.id}. ${String(error)}`);
      this.queue.giveBackLater(taken);
    }
  }

  private async finish(taken: TakenBatch, { deadLetters }: BatchOutcome): Promise<void> {
    if (deadLetters.length === 0) {
      await this.queue.finish(taken);
      return;
    }
    for (const { batch } of await this.queue.bury(taken, deadLetters)) {
      this.logger.error(
        `Dead letter ${batch.id} of ${batch.events} events is given up: dead letters take as much of the spool as they may.`,
      );
    }
  }
}
