import { once } from 'node:events';
import { Logger } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { redisClusterNodes } from '../config/redis-cluster.nodes.js';
import { withDeadline } from './deadline.js';
import { RedisCluster } from './redis.cluster.js';
import { primaryConnector } from './redis.connector.js';

/** How long the start waits for the first connection, so that the first requests find one. */
const FIRST_CONNECTION_WITHIN_MS = 1_000;
const RECONNECT_EVERY_MS = 200;
export const RECONNECT_AT_MOST_EVERY_MS = 2_000;

/**
 * Answers of a Redis that is not, or no more, the one to write to; what it was asked it has not done. After a failover the old
 * primary lives on as a replica, and connections to it stay open. Before Redis 7 a script's answer has it in the middle.
 */
const ANOTHER_NODE = /^(?:ERR Error running script.*-)?(?:READONLY|MASTERDOWN|LOADING|UNBLOCKED|MOVED|CLUSTERDOWN) /s;

/** Which Redis, and which keys of it. */
export interface RedisAccess {
  /** As `REDIS_URL`. */
  readonly redisUrl: string;
  /** The start of every key. Keeps the keys of several deployments apart that share a Redis. */
  readonly prefix: string;
}

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
 * @param logger is told when Redis goes away and comes back; undefined when another connection tells that already
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
  // Up to ioredis 5.11 the timer of `socketTimeout` outlives a connection that was cut, and ends the next one.
  const watch = redis as unknown as { socketTimeoutTimer: NodeJS.Timeout | undefined };
  redis.on('close', () => {
    clearTimeout(watch.socketTimeoutTimer);
    watch.socketTimeoutTimer = undefined;
  });
  return logged(redis, logger);
}

/** A connection for a worker: commands wait until Redis is back, unless nobody wants it back any more. */
export function patientConnection(access: RedisAccess, logger: Logger, unwanted: AbortSignal): Redis {
  const [url, primary] = addressOf(access, 2);
  const retryStrategy = (attempt: number): number | null => (unwanted.aborted ? null : reconnectDelay(attempt));
  return logged(new Redis(url, { ...common, ...primary, retryStrategy, maxRetriesPerRequest: null }), logger);
}

/**
 * URLs of the servers that have these keys or may have them after a failover: of a cluster the owner of their slot and its
 * replicas.
 * @throws Error when no node of the cluster tells
 */
export async function serversOf({ redisUrl, prefix }: RedisAccess): Promise<readonly string[]> {
  const nodes = redisClusterNodes(redisUrl);
  return nodes === undefined ? [redisUrl] : new RedisCluster(nodes, prefix).holdersOfSlot();
}

/** Resolves when the connection is there, or when it will not be at once: then it is made in the background. */
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
    // Of a cluster for its user, password and protocol.
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

/** One line when Redis goes away and one when it is back, however often the reconnection fails between them. */
function logged(redis: Redis, logger: Logger | undefined): Redis {
  let away = false;
  redis.on('error', (error: Error) => {
    if (!away) {
      logger?.error(`Redis cannot be reached (${error.message}). Check REDIS_URL and that Redis runs; trying again.`);
    }
    away = true;
  });
  redis.on('ready', () => {
    if (away) {
      logger?.log('Redis is back.');
    }
    away = false;
  });
  return redis;
}
