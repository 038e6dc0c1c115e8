import { freshPubSubNames, pubSubEnvironment } from './pubsub.js';
import { freshRedisPrefix, sharedRedisUrl } from './servers.js';

/**
 * The settings of a queue: in the shared Redis, or in the emulator of Pub/Sub with `TEST_TRANSPORT=pubsub`, by which
 * `npm test -- test/e2e` runs the end-to-end tests once more. An unused one, unless the test names a prefix, which names the queue.
 * Tests that name another Redis or transport are about that.
 */
export async function queueUnderTest(chosen: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> {
  const redis = { REDIS_URL: sharedRedisUrl(), QUEUE_PREFIX: chosen['QUEUE_PREFIX'] ?? freshRedisPrefix() };
  if ('REDIS_URL' in chosen || 'TRANSPORT' in chosen || isTestedOn('bullmq')) {
    return { ...redis, TRANSPORT: 'bullmq' };
  }
  return { ...redis, ...pubSubEnvironment(await freshPubSubNames({}, redis.QUEUE_PREFIX)) };
}

/** Whether end-to-end tests run on that transport. */
export function isTestedOn(transport: 'bullmq' | 'pubsub'): boolean {
  const tested = process.env['TEST_TRANSPORT'] ?? 'bullmq';
  if (tested !== 'bullmq' && tested !== 'pubsub') throw new Error('TEST_TRANSPORT is bullmq or pubsub.');
  return tested === transport;
}
