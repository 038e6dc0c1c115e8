import { type ClientConfig, PubSub } from '@google-cloud/pubsub';

export interface PubSubClientOptions {
  readonly projectId: string;
  /** `host:port` of an emulator; without it Google's service is used, with the credentials of the environment. */
  readonly emulatorHost?: string | undefined;
}

/** The client's own default is two minutes: for so long after an outage events would go to the spool. */
const RECONNECT_AT_MOST_EVERY_MS = 1_000;
/** A connection that a firewall has dropped without a word is noticed after both together. */
const PINGS = { 'grpc.keepalive_time_ms': 30_000, 'grpc.keepalive_timeout_ms': 5_000 };

/** A client of Google Pub/Sub. It connects at the first call; close it at the end. */
export function createPubSubClient({ projectId, emulatorHost }: PubSubClientOptions): PubSub {
  const config: ClientConfig & Record<`grpc.${string}`, number> = {
    projectId,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': RECONNECT_AT_MOST_EVERY_MS,
  };
  if (emulatorHost === undefined) return new PubSub({ ...config, ...PINGS, emulatorMode: false });
  // The emulator closes connections over more than one ping in five minutes, and no firewall stands before it.
  // To find out its domain the library would look for credentials, and warn that there are none.
  return new PubSub({ ...config, apiEndpoint: emulatorHost, emulatorMode: true, universeDomain: 'googleapis.com' });
}
