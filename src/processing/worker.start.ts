import { setTimeout as sleep } from 'node:timers/promises';
import { type INestApplication, Logger } from '@nestjs/common';
import { Migrator } from '../warehouse/migrator.js';
import { UnusableWarehouseError } from '../warehouse/warehouse.errors.js';

const RETRY_EVERY_MS = 2_000;

/**
 * Brings the warehouse's schema up to date, then starts to take batches from the queue. Waits for a ClickHouse that is
 * away: meanwhile the queue keeps what the API accepts.
 * @throws UnusableWarehouseError when the schema is not one that this build can work with
 */
export async function startWorker(app: INestApplication, stopping: AbortSignal): Promise<void> {
  const logger = new Logger('Worker');
  let isWaiting = false;
  while (!stopping.aborted) {
    try {
      const applied = await app.get(Migrator).migrate();
      if (applied.length > 0) logger.log(`Applied to ClickHouse: ${applied.join(', ')}`);
      if (isStopping(stopping)) return;
      await app.startAllMicroservices();
      logger.log('Taking batches from the queue.');
      return;
    } catch (error) {
      if (error instanceof UnusableWarehouseError) throw error;
      if (!isWaiting) logger.error(`Waiting for ClickHouse to prepare its tables. ${String(error)}`);
      isWaiting = true;
      await sleep(RETRY_EVERY_MS, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
}

/** Asked anew: while a promise was awaited it may have changed, which the compiler does not consider. */
function isStopping({ aborted }: AbortSignal): boolean {
  return aborted;
}
