import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { EventBatch } from '../event-batch.js';
import { TransportUnavailableError } from '../event-transport.js';
import type { SpoolQueue, TakenBatch } from '../spool/spool.queue.js';

/** Enough to hide the broker's latency, few enough to leave it to the requests that come in meanwhile. */
const AT_ONCE = 4;
const FIRST_RETRY_MS = 250;
const RETRY_AT_MOST_EVERY_MS = 2_000;
const REPORT_AT_MOST_EVERY_MS = 60_000;

/** Where a spool's batches go. */
export interface DrainOutlet {
  /** @throws TransportUnavailableError when the broker does not take the batch now; any other error when it never will */
  publish(batch: EventBatch): Promise<void>;
  /** Resolves when the batch is a dead letter. */
  bury(batch: EventBatch, reason: string): Promise<void>;
  /** Whether the broker did not take batches lately, and has to be found back even with nothing to drain. */
  isAway(): boolean;
  /** Looks whether the broker is back; never throws. */
  probe(): Promise<void>;
}

/** Moves what is in the spool to the broker, the oldest first, for as long as it lives. */
export class SpoolDrain {
  private readonly logger = new Logger(SpoolDrain.name);
  private readonly closing = new AbortController();
  private reportAgainAt = -Infinity;
  private readonly working: Promise<void>;
  private wake = (): void => undefined;

  constructor(
    private readonly queue: SpoolQueue,
    private readonly outlet: DrainOutlet,
  ) {
    queue.onAvailable(() => {
      this.wake();
    });
    this.working = this.work();
  }

  /** There may be something to do: a batch was spooled, or the broker went away. */
  nudge(): void {
    this.wake();
  }

  /** Resolves when no batch is on its way any more. */
  async close(): Promise<void> {
    this.closing.abort();
    this.wake();
    await this.working;
  }

  private async work(): Promise<void> {
    let failures = 0;
    while (!this.closing.signal.aborted) {
      const outcome = await this.moveSome();
      if (outcome === 'moved') {
        failures = 0;
      } else if (outcome === 'refused' || this.outlet.isAway()) {
        await this.pause(failures++);
      } else {
        failures = 0;
        await this.somethingToDo();
      }
    }
  }

  private async moveSome(): Promise<'moved' | 'refused' | 'nothing'> {
    const deliveries = this.takeSome();
    if (deliveries.length === 0) {
      if (this.outlet.isAway()) await this.outlet.probe();
      return 'nothing';
    }
    const results = await Promise.all(deliveries.map((delivery) => this.move(delivery)));
    return results.every(Boolean) ? 'moved' : 'refused';
  }

  /** One alone while the broker is away: it finds out whether that is still so. */
  private takeSome(): TakenBatch[] {
    const deliveries: TakenBatch[] = [];
    while (deliveries.length < (this.outlet.isAway() ? 1 : AT_ONCE)) {
      const delivery = this.queue.take();
      if (delivery === undefined) break;
      deliveries.push(delivery);
    }
    return deliveries;
  }

  /** @returns whether the broker takes batches */
  private async move(delivery: TakenBatch): Promise<boolean> {
    try {
      await this.outlet.publish(delivery.batch);
      // A crash before this line publishes it once more, under the same id.
      await this.queue.finish(delivery);
      return true;
    } catch (error) {
      if (!(error instanceof TransportUnavailableError)) return this.bury(delivery, error);
      // That the broker is away, its transport has said.
      this.queue.giveBack(delivery);
      return false;
    }
  }

  /** A batch that the broker will never take must not hold up the others. */
  private async bury(delivery: TakenBatch, reason: unknown): Promise<true> {
    const { batch } = delivery;
    try {
      await this.outlet.bury(batch, String(reason));
      await this.queue.finish(delivery);
      this.logger.error(`Batch ${batch.id} goes to the dead letters: the queue will never take it. ${String(reason)}`);
    } catch (error) {
      this.report(`Batch ${batch.id}, which the queue will never take, stays in the spool. ${String(error)}`);
      this.queue.giveBackLater(delivery);
    }
    return true;
  }

  private report(message: string): void {
    if (performance.now() < this.reportAgainAt) return;
    this.reportAgainAt = performance.now() + REPORT_AT_MOST_EVERY_MS;
    this.logger.error(message);
  }

  private async pause(failures: number): Promise<void> {
    const ceiling = Math.min(RETRY_AT_MOST_EVERY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 8));
    const wait = ceiling * (0.5 + Math.random() / 2);
    await sleep(wait, undefined, { signal: this.closing.signal }).catch(() => undefined);
  }

  private async somethingToDo(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      if (this.closing.signal.aborted || this.outlet.isAway() || this.queue.hasWaiting) resolve();
    });
  }
}
