import type { Configuration } from '../../config/configuration.js';
import type { PubSubClientOptions } from './pubsub.client.js';

/** What the service uses in Google Pub/Sub, by the ids that people and gcloud use. */
export interface PubSubNames {
  readonly projectId: string;
  /** Where events are published. */
  readonly topic: string;
  /** Where workers take them from. */
  readonly subscription: string;
}

/** Where Pub/Sub itself moves what was delivered time and again and never finished. */
export function deadLetterTopicOf({ topic }: PubSubNames): string {
  return `${topic}-dead-letters`;
}

/** Where workers take that from, to keep it with the other dead letters. */
export function deadLetterSubscriptionOf({ subscription }: PubSubNames): string {
  return `${subscription}-dead-letters`;
}

/** The whole name by which Pub/Sub refers to a topic of the project. */
export function topicPath({ projectId }: PubSubNames, topic: string): string {
  return `projects/${projectId}/topics/${topic}`;
}

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
