import type { PublishOptions } from '@google-cloud/pubsub';

type CallOptions = NonNullable<PublishOptions['gaxOpts']>;

/**
 * Options of a call that is made once and given up after `ms`. By itself the library tries again for ten minutes, and keeps the
 * message for as long.
 */
export function onceWithin(ms: number): CallOptions {
  return { timeout: ms, retry: { retryCodes: [] } };
}
