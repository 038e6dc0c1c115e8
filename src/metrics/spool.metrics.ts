import { Inject, Injectable } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { Spool } from '../transport/spool/spool.js';

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
