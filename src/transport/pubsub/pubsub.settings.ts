import type { Configuration } from '../../config/configuration.js';
import type { PubSubClientOptions } from './pubsub.client.js';
import type { PubSubNames } from './pubsub.names.js';

/** Where the settings say that events are published. */
export function pubSubSettingsOf(
  configuration: Pick<Configuration, 'pubsubProject' | 'pubsubTopic' | 'pubsubSubscription' | 'pubsubEmulatorHost'>,
): PubSubClientOptions & PubSubNames {
  const { pubsubProject, pubsubTopic, pubsubSubscription, pubsubEmulatorHost } = configuration;
  return {
    projectId: pubsubProject,
    topic: pubsubTopic,
    subscription: pubsubSubscription,
    emulatorHost: pubsubEmulatorHost,
  };
}
