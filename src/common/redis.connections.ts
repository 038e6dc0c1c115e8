import { once } from 'node:events';
import { Logger } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { AccompaniedRedis } from './accompanied.redis.js';
import { withDeadline } from './deadline.js';

/** How long the start waits for the first connection, so that the first requests find one. */
const FIRST_CONNECTION_WITHIN_MS = 1_000;
const RECONNECT_EVERY_MS = 200;
export const RECONNECT_AT_MOST_EVERY_MS = 2_000;

const common: RedisOptions = {
  retryStrategy: reconnectDelay,
  connectTimeout: 2_000,
  disconnectTimeout: 300,
  // A host that vanished without closing the connection is noticed by silence after a command.
  keepAlive: 10_000,
};

/**
 * A connection on which a command fails at once when Redis is away. Nothing is queued or sent again behind the caller's
 * back: the caller has answered 503 by then, and the client's own retry would become a second copy.
 * @param connectionName what Redis lists it as
 */
export function failFastConnection(url: string, logger: Logger, connectionName?: string): AccompaniedRedis {
  return logged(
    new AccompaniedRedis(url, {
      ...common,
      ...(connectionName === undefined ? {} : { connectionName }),
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      socketTimeout: 5_000,
    }),
    logger,
  );
}

/** A connection for a worker: commands wait until Redis is back, unless nobody wants it back any more. */
export function patientConnection(url: string, logger: Logger, unwanted: AbortSignal): Redis {
  const retryStrategy = (attempt: number): number | null => (unwanted.aborted ? null : reconnectDelay(attempt));
  return logged(new Redis(url, { ...common, retryStrategy, maxRetriesPerRequest: null }), logger);
}

/** Resolves when the connection is there, or when it will not be at once: then it is made in the background. */
export async function firstConnection(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return;
  // Rejects on the first `error` event.
  const ready = once(redis, 'ready');
  await withDeadline(ready, FIRST_CONNECTION_WITHIN_MS, () => new Error('not connected')).catch(() => undefined);
}

function reconnectDelay(attempt: number): number {
  return Math.min(attempt * RECONNECT_EVERY_MS, RECONNECT_AT_MOST_EVERY_MS);
}

/** One line when Redis goes away and one when it is back, however often the reconnection fails between them. */
function logged<T extends Redis>(redis: T, logger: Logger): T {
  let away = false;
  redis.on('error', (error: Error) => {
    if (!away) {
      logger.error(`Redis cannot be reached (${error.message}). Check REDIS_URL and that Redis runs; trying again.`);
    }
    away = true;
  });
  redis.on('ready', () => {
    if (away) {
      logger.log('Redis is back.');
    }
    away = false;
  });
  return redis;
}
