import { Inject, Injectable } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { EventTransport, type TransportStatus } from '../transport/event-transport.js';
import { Spool } from '../transport/spool/spool.js';

/** A gauge that is read at each scrape; without a value it has no series, since an old value would look current. */
function addGauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => number | undefined | Promise<number | undefined>,
): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    registers: [registry],
    collect: async () => {
      const value = await read();
      if (value === undefined) gauge.remove();
      else gauge.set(value);
    },
  });
}

/** The state of the queue at each scrape, within a second. All instances report the same. */
@Injectable()
export class QueueMetrics {
  private asking: Promise<TransportStatus | undefined> | undefined;

  constructor(
    registry: Registry,
    private readonly transport: EventTransport,
  ) {
    const add = (name: string, help: string, read: (status: TransportStatus) => number | undefined): void => {
      addGauge(registry, name, help, async () => {
        const status = await this.ask();
        return status && read(status);
      });
    };
    const asNumber = (flag: boolean | undefined) => (flag === undefined ? undefined : Number(flag));
    add('segops_queue_batches', 'Batches that are not stored yet.', ({ pending }) => pending);
    add(
      'segops_queue_oldest_batch_age_seconds',
      'Age of the oldest batch that is not stored yet; 0 when there is none.',
      ({ oldestPendingMs }) => (oldestPendingMs === undefined ? undefined : oldestPendingMs / 1000),
    );
    add('segops_queue_workers', 'Workers that were seen alive lately.', ({ consumers }) => consumers);
    add(
      'segops_queue_memory_ratio',
      'Used part of the memory that the queue may take. At 0.8 no more batches are taken.',
      ({ memoryRatio }) => memoryRatio,
    );
    add(
      'segops_queue_refusing',
      'Whether this instance puts no more batches into the queue because it is nearly full (1), or does (0).',
      ({ isRefusing }) => asNumber(isRefusing),
    );
    add(
      'segops_queue_durable',
      'Whether the queue is set up to keep what it is given (1) or not (0).',
      ({ isDurable }) => asNumber(isDurable),
    );
    addGauge(
      registry,
      'segops_queue_up',
      'Whether batches can be written to the queue (1) or not (0). While it cannot be asked, there are no other metrics of it.',
      async () => {
        const status = await this.ask();
        return status === undefined || status.refusal !== undefined ? 0 : 1;
      },
    );
  }

  /** One query a scrape, since the registry collects all metrics at once. */
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

/** This process's spool; no metrics where it has none. */
@Injectable()
export class SpoolMetrics {
  constructor(registry: Registry, @Inject(Spool) spool: Spool | null) {
    if (spool === null) return;
    const { store } = spool;
    addGauge(registry, 'segops_spool_batches', 'Batches in this process’s spool.', () => store.size);
    addGauge(
      registry,
      'segops_spool_bytes',
      'What the spool holds, in bytes, dead letters included.',
      () => store.bytes,
    );
    addGauge(registry, 'segops_spool_max_bytes', 'What the spool may hold, in bytes.', () => store.maxBytes);
    addGauge(
      registry,
      'segops_spool_free_bytes',
      'What the spool can still take, in bytes, by its limit and by what its disk has left.',
      () => store.freeBytes,
    );
    addGauge(
      registry,
      'segops_spool_oldest_batch_age_seconds',
      'Age of the oldest batch in the spool; 0 when there is none.',
      () => store.oldestMs / 1000,
    );
  }
}
