import { Injectable } from '@nestjs/common';
import { EventTransport } from '../transport/event-transport.js';

/** How much is waiting between acceptance and the warehouse, of all tenants together. */
export interface QueueDepthReport {
  /** Batches that are not stored yet, those in workers' hands included. */
  readonly waitingBatches: number;
  /** Age of the oldest of them in ms; 0 when there is none. */
  readonly oldestBatchAgeMs: number;
}

/** Asks the queue how much it holds. */
@Injectable()
export class QueueDepth {
  constructor(private readonly transport: EventTransport) {}

  /** @returns undefined when the queue cannot tell: that is no reason to hold back what the warehouse knows */
  async read(): Promise<QueueDepthReport | undefined> {
    try {
      const { pending, oldestPendingMs } = await this.transport.status();
      if (pending === undefined || oldestPendingMs === undefined) return undefined;
      return { waitingBatches: pending, oldestBatchAgeMs: Math.round(oldestPendingMs) };
    } catch {
      return undefined;
    }
  }
}
