import { ValidateBy } from 'class-validator';
import { redisClusterNodes } from './redis-cluster.nodes.js';
import { isDecodable } from './url-of.decorator.js';

/** The URL of a Redis, or of a Redis Cluster. */
export function RedisUrl(): PropertyDecorator {
  return ValidateBy(
    { name: 'redisUrl', validator: { validate: (value) => typeof value === 'string' && isRedisUrl(value) } },
    {
      message:
        'must be a URL of the form redis://[user:password@]host:port, or redis+cluster://[user:password@]host:port,host:port for Redis Cluster, with reserved characters percent-encoded',
    },
  );
}

function isRedisUrl(url: string): boolean {
  return redisClusterNodes(url)?.every(isDecodable) ?? (/^rediss?:\/\//.test(url) && isDecodable(url));
}
