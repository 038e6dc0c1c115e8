import { once } from 'node:events';
import { Logger } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { redisClusterNodes } from '../config/setting.decorators.js';
import { withDeadline } from './deadline.js';
import { primaryConnector, RedisCluster } from './redis.cluster.js';

/** How long the start waits for the first connection, so that the first requests find one. */
const FIRST_CONNECTION_WITHIN_MS = 1_000;
const RECONNECT_EVERY_MS = 200;
export const RECONNECT_AT_MOST_EVERY_MS = 2_000;

/**
 * Errors of a Redis that takes no writes, which did not carry out the command. After a failover connections to the
 * old primary, now a replica, stay open. Before Redis 7 a script's error has these words in the middle.
 */
const ANOTHER_NODE = /^(?:ERR Error running script.*-)?(?:READONLY|MASTERDOWN|LOADING|UNBLOCKED|MOVED|CLUSTERDOWN) /s;

export interface RedisAccess {
  /** As `REDIS_URL`. */
  readonly redisUrl: string;
  /** Of every key, which keeps deployments apart that share a Redis. */
  readonly prefix: string;
}

const common: RedisOptions = {
  retryStrategy: reconnectDelay,
  connectTimeout: 2_000,
  disconnectTimeout: 300,
  // A host that vanished is noticed by silence after a command.
  keepAlive: 10_000,
};

/**
 * A connection on which commands fail at once while Redis is away. None is queued or sent again: the caller has answered 503 by
 * then, and the client's retry would become a second copy.
 * @param logger reports when Redis goes away and comes back; undefined when another connection does
 */
export function failFastConnection(access: RedisAccess, logger: Logger | undefined): Redis {
  const [url, primary] = addressOf(access, true);
  const redis = new Redis(url, {
    ...common,
    ...primary,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    socketTimeout: 5_000,
  });
  // Up to ioredis 5.11 the timer of `socketTimeout` outlives its connection, and ends the next one.
  const watch = redis as unknown as { socketTimeoutTimer: NodeJS.Timeout | undefined };
  redis.on('close', () => {
    clearTimeout(watch.socketTimeoutTimer);
    watch.socketTimeoutTimer = undefined;
  });
  return logged(redis, logger);
}

/** A connection for a worker: commands wait until Redis is back, or until `unwanted`. */
export function patientConnection(access: RedisAccess, logger: Logger, unwanted: AbortSignal): Redis {
  const [url, primary] = addressOf(access, 2);
  const retryStrategy = (attempt: number): number | null => (unwanted.aborted ? null : reconnectDelay(attempt));
  return logged(new Redis(url, { ...common, ...primary, retryStrategy, maxRetriesPerRequest: null }), logger);
}

/**
 * URLs of the servers that have these keys, or may have them after a failover: in a cluster the owner of their slot and its
 * replicas.
 * @throws Error when no node of the cluster answers
 */
export async function serversOf({ redisUrl, prefix }: RedisAccess): Promise<readonly string[]> {
  const nodes = redisClusterNodes(redisUrl);
  return nodes === undefined ? [redisUrl] : new RedisCluster(nodes, prefix).holdersOfSlot();
}

/** Resolves when the connection is ready, or after `withinMs`: it is then made in the background. */
export async function firstConnection(redis: Redis, withinMs = FIRST_CONNECTION_WITHIN_MS): Promise<void> {
  if (redis.status === 'ready') return;
  // Rejects on the first `error` event.
  const ready = once(redis, 'ready');
  await withDeadline(ready, withinMs, () => new Error('not connected')).catch(() => undefined);
}

/** @param onAnotherNode `true` connects to the right node, `2` sends it the command again as well */
function addressOf({ redisUrl, prefix }: RedisAccess, onAnotherNode: true | 2): [url: string, options: RedisOptions] {
  const nodes = redisClusterNodes(redisUrl);
  return [
    // In a cluster for the user, password and protocol.
    nodes?.[0] ?? redisUrl,
    {
      Connector: primaryConnector(nodes && new RedisCluster(nodes, prefix)),
      reconnectOnError: ({ message }) => ANOTHER_NODE.test(message) && onAnotherNode,
    },
  ];
}

function reconnectDelay(attempt: number): number {
  return Math.min(attempt * RECONNECT_EVERY_MS, RECONNECT_AT_MOST_EVERY_MS);
}

/** Logs one line when Redis goes away and one when it is back. */
function logged(redis: Redis, logger: Logger | undefined): Redis {
  let away = false;
  redis.on('error', (error: Error) => {
    if (!away) {
      logger?.error(`Redis cannot be reached (${error.message}). Check REDIS_URL and that Redis runs; trying again.`);
    }
    away = true;
  });
  redis.on('ready', () => {
    if (away) logger?.log('Redis is back.');
    away = false;
  });
  return redis;
}
