import { ValidateBy, type ValidationArguments } from 'class-validator';
import type { Configuration } from './configuration.js';
import { redisClusterNodes } from './redis-cluster.nodes.js';

/** As Redis looks for it: the first brace, up to the first that closes one, with something between. */
const HASH_TAG = /^[^{]*\{[^}]+\}/;

/** A start of keys that puts them all into one slot of a Redis Cluster, where there is one: scripts cannot use several. */
export function HashTagOnCluster(): PropertyDecorator {
  return ValidateBy(
    {
      name: 'hashTagOnCluster',
      validator: {
        validate: (prefix, args?: ValidationArguments) => {
          const { redisUrl } = args?.object as Configuration;
          return redisClusterNodes(redisUrl) === undefined || HASH_TAG.test(String(prefix));
        },
      },
    },
    { message: 'must hold a hash tag, as {segops} does, when REDIS_URL is a Redis Cluster' },
  );
}
