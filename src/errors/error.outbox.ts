import { Logger } from '@nestjs/common';
import { withDeadline } from '../common/deadline.js';
import { uuid7 } from '../common/uuid7.js';
import { ERRORS_V1, type EventBatch } from '../transport/event-batch.js';
import type { EventTransport } from '../transport/event-transport.js';
import type { UnkeptErrors } from './error.rate.js';

/** A batch that has this many travels at once. A row takes up to about 3 kB, so it stays far below any transport's limit. */
const FULL = 500;
/** Others wait this long for company: every batch costs ClickHouse a part, and nobody reads errors faster. */
const SEND_EVERY_MS = 500;
const RETRY_AFTER_MS = 1_000;
/** What may wait for the queue; beyond it the oldest go. */
const MAX_WAITING = 5_000;
/** Longer than the queue takes to refuse, and for several batches when it does not. */
const CLOSE_WITHIN_MS = 2_000;

/** One row for the warehouse, and how many errors of which kind it tells of. */
export interface OutboxRow extends UnkeptErrors {
  /** From `encodeErrorRow`. A text of its own: it keeps no larger text of a request in memory. */
  readonly line: string;
}

/** Sends recorded errors to the queue, in batches and in the background. Memory is bounded; the queue may be away. */
export class ErrorOutbox {
  private readonly logger = new Logger(ErrorOutbox.name);
  private readonly waiting: OutboxRow[] = [];
  /** A batch that the queue did not confirm. It may have it all the same, so it is sent again as it is, under its id. */
  private unconfirmed: EventBatch | undefined;
  private sending: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isQueueAway = false;
  private isClosing = false;

  /** @param onDropped is told of each row that has to go */
  constructor(
    private readonly transport: EventTransport,
    private readonly onDropped: (row: OutboxRow) => void,
  ) {}

  add(row: OutboxRow): void {
    this.waiting.push(row);
    if (this.waiting.length > MAX_WAITING) {
      const oldest = this.waiting.shift();
      if (oldest !== undefined) this.onDropped(oldest);
    }
    if (this.waiting.length >= FULL && !this.isQueueAway) {
      void this.send();
    } else {
      this.schedule();
    }
  }

  /** Sends what waits, within 2 s; what comes later is sent at once. What the queue does not take is lost, and logged. */
  async close(): Promise<void> {
    this.isClosing = true;
    const running = this.sending ?? Promise.resolve();
    const sent = running.then(() => this.send());
    await withDeadline(sent, CLOSE_WITHIN_MS, () => new Error('timeout')).catch(() => undefined);
    const lost = this.waiting.length + (this.unconfirmed?.events ?? 0);
    if (lost > 0) {
      this.logger.warn(`Recorded errors that the queue did not take before the process stopped: ${lost}.`);
    }
  }

  private schedule(): void {
    if (this.sending === undefined) {
      this.timer ??= setTimeout(() => void this.send(), this.delay()).unref();
    }
  }

  private delay(): number {
    if (this.isQueueAway) {
      return RETRY_AFTER_MS;
    }
    return this.isClosing ? 0 : SEND_EVERY_MS;
  }

  private send(): Promise<void> {
    this.sending ??= this.sendBatches().finally(() => {
      this.sending = undefined;
      const isDone = this.waiting.length === 0 && this.unconfirmed === undefined;
      const isGivenUp = this.isClosing && this.isQueueAway;
      if (!isDone && !isGivenUp) this.schedule();
    });
    return this.sending;
  }

  /** One batch, and more as long as they are full; at the end all. */
  private async sendBatches(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    do {
      this.unconfirmed ??= this.takeBatch();
      if (this.unconfirmed === undefined || !(await this.publish(this.unconfirmed))) {
        return;
      }
      this.unconfirmed = undefined;
    } while (this.waiting.length >= (this.isClosing ? 1 : FULL));
  }

  private takeBatch(): EventBatch | undefined {
    const rows = this.waiting.splice(0, FULL);
    return rows.length === 0
      ? undefined
      : {
          id: uuid7(),
          type: ERRORS_V1,
          events: rows.length,
          rows: Buffer.from(rows.map(({ line }) => line).join('')),
        };
  }

  /** @returns whether the queue has it */
  private async publish(batch: EventBatch): Promise<boolean> {
    try {
      await this.transport.publish(batch);
      if (this.isQueueAway) this.logger.log('Recorded errors are queued again.');
      this.isQueueAway = false;
      return true;
    } catch (error) {
      if (!this.isQueueAway) {
        this.logger.warn(`Recorded errors wait in memory until the queue takes them. ${String(error)}`);
      }
      this.isQueueAway = true;
      return false;
    }
  }
}
