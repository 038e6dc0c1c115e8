import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { Configuration } from '../config/configuration.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { TransportModule } from '../transport/transport.module.js';
import { IdempotencyStore } from './idempotency.store.js';
import { IdempotentRequests } from './idempotent.requests.js';
import { LmdbStore } from './lmdb/lmdb.store.js';
import { RedisStore } from './redis/redis.store.js';
import { Retries } from './retries.service.js';
import { StoreAccess } from './store.access.js';

/** Recognises what is sent again. Instances share their knowledge in Redis; without one there is one process, and its disk. */
@Module({
  imports: [MetricsModule, TransportModule],
  providers: [
    { provide: IdempotencyStore, inject: [Configuration], useFactory: chooseStore },
    StoreAccess,
    Retries,
    IdempotentRequests,
  ],
  exports: [StoreAccess, Retries, IdempotentRequests],
})
export class IdempotencyModule {}

async function chooseStore({ redisUrl, queuePrefix, dataDir }: Configuration): Promise<IdempotencyStore> {
  return isSet(redisUrl)
    ? RedisStore.connect({ redisUrl, prefix: queuePrefix })
    : LmdbStore.open(join(dataDir, 'idempotency'));
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
