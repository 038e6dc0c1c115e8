import { freshPubSubNames, pubSubEnvironment } from './pubsub.js';
import { freshRedisPrefix, sharedRedisUrl } from './servers.js';

/**
 * The settings of an unused queue: in the shared Redis, or in the emulator of Pub/Sub with `TEST_TRANSPORT=pubsub`, by which
 * `npm run test:pubsub` runs the end-to-end tests once more.
 */
export async function queueUnderTest(): Promise<Record<string, string>> {
  const redis = { REDIS_URL: sharedRedisUrl(), QUEUE_PREFIX: freshRedisPrefix() };
  switch (process.env['TEST_TRANSPORT'] ?? 'bullmq') {
    case 'bullmq':
      return { ...redis, TRANSPORT: 'bullmq' };
    case 'pubsub':
      return { ...redis, ...pubSubEnvironment(await freshPubSubNames()) };
    default:
      throw new Error('TEST_TRANSPORT is bullmq or pubsub.');
  }
}
