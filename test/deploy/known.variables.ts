import { Configuration } from '../../src/config/configuration.js';
import { settingsOf } from '../../src/config/setting.decorator.js';
import { TRANSPORT_NAMES } from '../../src/config/transport-name.js';

/** Whether this build has the transport that the deployments for Google Pub/Sub name. */
export const HAS_PUBSUB = (TRANSPORT_NAMES as readonly string[]).includes('pubsub');

/** What a deployment may set: the service's settings, and what libraries read by themselves. */
export const KNOWN_VARIABLES: ReadonlySet<string> = new Set([
  ...settingsOf(Configuration).map(({ env }) => env),
  // Google's client.
  'PUBSUB_EMULATOR_HOST',
  // Settings of the transport, in a build that has it.
  ...(HAS_PUBSUB ? [] : ['PUBSUB_PROJECT', 'PUBSUB_TOPIC', 'PUBSUB_SUBSCRIPTION']),
]);
