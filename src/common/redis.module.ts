import { Inject, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Configuration } from '../config/configuration.js';
import { failFastConnection, firstConnection } from './redis.connections.js';

/**
 * The connection for what instances count together, apart from the queue's: a limiter must not wait behind batches. Its
 * commands fail at once while Redis is away; whoever uses it sets their deadline. Null in a deployment without Redis, which
 * is one process: inject it as `@Inject(Redis) redis: Redis | null`.
 */
@Module({
  providers: [{ provide: Redis, inject: [Configuration], useFactory: connect }],
  exports: [Redis],
})
export class RedisModule implements OnApplicationShutdown {
  constructor(@Inject(Redis) private readonly redis: Redis | null) {}

  onApplicationShutdown(): void {
    this.redis?.disconnect();
  }
}

/** Resolves without a connection too, which then is made in the background: a Redis that is away keeps nobody from starting. */
async function connect({ redisUrl, queuePrefix }: Configuration): Promise<Redis | null> {
  if (redisUrl === '') return null;
  const redis = failFastConnection({ redisUrl, prefix: queuePrefix }, new Logger('Redis'));
  await firstConnection(redis);
  return redis;
}
