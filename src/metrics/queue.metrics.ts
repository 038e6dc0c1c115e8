import { Injectable } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { EventTransport, type TransportStatus } from '../transport/event-transport.js';

/** The state of the queue, asked for at each scrape and within a second. All instances tell the same. */
@Injectable()
export class QueueMetrics {
  private asking: Promise<TransportStatus | undefined> | undefined;

  constructor(
    registry: Registry,
    private readonly transport: EventTransport,
  ) {
    const register = (name: string, help: string, read: (status: TransportStatus) => number): void => {
      const gauge: Gauge = new Gauge({
        name,
        help,
        registers: [registry],
        collect: async () => {
          const status = await this.ask();
          // A value of before would look like one of now.
          if (status === undefined) gauge.remove();
          else gauge.set(read(status));
        },
      });
    };
    register('segops_queue_batches', 'Batches that are not stored yet.', ({ pending }) => pending);
    register(
      'segops_queue_oldest_batch_age_seconds',
      'Age of the oldest batch that is not stored yet; 0 when there is none.',
      ({ oldestPendingMs }) => oldestPendingMs / 1000,
    );
    register('segops_queue_workers', 'Workers that were seen alive lately.', ({ consumers }) => consumers);
    const up: Gauge = new Gauge({
      name: 'segops_queue_up',
      help: 'Whether the queue could be asked (1) or not (0). While it cannot, there are no other metrics of it.',
      registers: [registry],
      collect: async () => {
        up.set((await this.ask()) === undefined ? 0 : 1);
      },
    });
  }

  /** One question a scrape: the registry collects all metrics at once. */
  private ask(): Promise<TransportStatus | undefined> {
    this.asking ??= this.transport
      .status()
      .catch(() => undefined)
      .finally(() => {
        this.asking = undefined;
      });
    return this.asking;
  }
}
