import { Inject, Injectable } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { EventTransport, type TransportStatus } from '../transport/event-transport.js';
import { Spool } from '../transport/spool/spool.js';

/** The state of the queue, asked for at each scrape and within a second. All instances tell the same. */
@Injectable()
export class QueueMetrics {
  private asking: Promise<TransportStatus | undefined> | undefined;

  constructor(
    registry: Registry,
    private readonly transport: EventTransport,
  ) {
    const register = (name: string, help: string, read: (status: TransportStatus) => number | undefined): void => {
      const gauge: Gauge = new Gauge({
        name,
        help,
        registers: [registry],
        collect: async () => {
          const status = await this.ask();
          const value = status && read(status);
          // A value of before would look like one of now.
          if (value === undefined) gauge.remove();
          else gauge.set(value);
        },
      });
    };
    register('segops_queue_batches', 'Batches that are not stored yet.', ({ pending }) => pending);
    register(
      'segops_queue_oldest_batch_age_seconds',
      'Age of the oldest batch that is not stored yet; 0 when there is none.',
      ({ oldestPendingMs }) => (oldestPendingMs === undefined ? undefined : oldestPendingMs / 1000),
    );
    register('segops_queue_workers', 'Workers that were seen alive lately.', ({ consumers }) => consumers);
    register(
      'segops_queue_memory_ratio',
      'Used part of the memory that the queue may take. At 0.8 no more batches are taken.',
      ({ memoryRatio }) => memoryRatio,
    );
    register(
      'segops_queue_refusing',
      'Whether this instance puts no more batches into the queue because it is nearly full (1), or does (0).',
      ({ isRefusing }) => asNumber(isRefusing),
    );
    register(
      'segops_queue_durable',
      'Whether the queue is set up to keep what it is given (1) or not (0).',
      ({ isDurable }) => asNumber(isDurable),
    );
    const up: Gauge = new Gauge({
      name: 'segops_queue_up',
      help: 'Whether batches can be written to the queue (1) or not (0). While it cannot be asked, there are no other metrics of it.',
      registers: [registry],
      collect: async () => {
        const status = await this.ask();
        up.set(status === undefined || status.refusal !== undefined ? 0 : 1);
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

function asNumber(flag: boolean | undefined): number | undefined {
  return flag === undefined ? undefined : Number(flag);
}

/** What waits on this process's own disk; no metrics where it has no spool. */
@Injectable()
export class SpoolMetrics {
  constructor(registry: Registry, @Inject(Spool) spool: Spool | null) {
    if (spool === null) return;
    const register = (name: string, help: string, read: () => number): void => {
      const gauge: Gauge = new Gauge({
        name,
        help,
        registers: [registry],
        collect: () => {
          gauge.set(read());
        },
      });
    };
    const { store } = spool;
    register('segops_spool_batches', 'Batches in this process’s spool.', () => store.size);
    register('segops_spool_bytes', 'What the spool holds, in bytes, dead letters included.', () => store.bytes);
    register('segops_spool_max_bytes', 'What the spool may hold, in bytes.', () => store.maxBytes);
    register(
      'segops_spool_free_bytes',
      'What the spool can still take, in bytes, by its limit and by what its disk has left.',
      () => store.freeBytes,
    );
    register(
      'segops_spool_oldest_batch_age_seconds',
      'Age of the oldest batch in the spool; 0 when there is none.',
      () => store.oldestMs / 1000,
    );
  }
}
