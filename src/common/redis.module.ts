import { Inject, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Configuration } from '../config/configuration.js';
import { failFastConnection, firstConnection } from './redis.connections.js';

/**
 * The connection for limits, apart from the queue's so that they do not wait behind batches. Commands fail at once while Redis is
 * away; callers set deadlines. Null in a deployment without Redis, which is one process: `@Inject(Redis) redis: Redis | null`.
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

/** Resolves without a connection too, so that the process starts while Redis is away. */
async function connect({ redisUrl, queuePrefix }: Configuration): Promise<Redis | null> {
  if (redisUrl === '') return null;
  const redis = failFastConnection({ redisUrl, prefix: queuePrefix }, new Logger('Redis'));
  await firstConnection(redis);
  return redis;
}
