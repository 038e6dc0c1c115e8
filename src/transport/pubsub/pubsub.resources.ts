import type { PubSub } from '@google-cloud/pubsub';
import { deadLetterSubscriptionOf, deadLetterTopicOf, type PubSubNames, topicPath } from './pubsub.names.js';

const ALREADY_EXISTS = 6;
const DAY_S = 86_400;
/** Workers extend it. What was on its way to one when the connection broke is delivered again after it. */
const ACK_DEADLINE_S = 10;

/**
 * What a worker gives back when it ends is for another one at once. The emulator (0.8.20) has no use for it: once a message is
 * acknowledged while it is held back, its timer ends with a NullPointerException, and nothing is ever delivered a third time.
 */
const RETRY_POLICY = { minimumBackoff: { seconds: 0 }, maximumBackoff: { seconds: 60 } };

/** Choices about a new subscription, which cannot all be made later. */
export interface ResourceOptions {
  /** Whether Pub/Sub itself avoids to deliver a message twice, for more latency and a lower limit of throughput. */
  readonly exactlyOnce: boolean;
  /** Deliveries after which a message goes to the dead letters, 5 to 100. Only a worker's death or end counts as one. */
  readonly maxDeliveryAttempts: number;
  /** For how many days what is not stored is kept, 1 to 31. */
  readonly retentionDays: number;
}

/** A topic or subscription that there is now. */
export interface Resource {
  readonly kind: 'topic' | 'subscription';
  readonly id: string;
  /** False when it was there before, in which case it stays as it is. */
  readonly isNew: boolean;
}

export const DEFAULT_RESOURCE_OPTIONS: ResourceOptions = {
  exactlyOnce: false,
  maxDeliveryAttempts: 20,
  retentionDays: 7,
};

/** Makes what the service uses in Pub/Sub where it is missing: the topic, its subscription, and both again for dead letters. */
export async function createPubSubResources(
  client: PubSub,
  names: PubSubNames,
  { exactlyOnce, maxDeliveryAttempts, retentionDays }: ResourceOptions,
): Promise<Resource[]> {
  const deadLetterTopic = deadLetterTopicOf(names);
  const keeping = {
    messageRetentionDuration: { seconds: retentionDays * DAY_S },
    // Otherwise a subscription that nobody used for a month is removed, with all that waits in it.
    expirationPolicy: { ttl: null },
  };
  const steps: readonly [Resource['kind'], string, () => Promise<unknown>][] = [
    ['topic', names.topic, () => client.createTopic(names.topic)],
    ['topic', deadLetterTopic, () => client.createTopic(deadLetterTopic)],
    [
      'subscription',
      names.subscription,
      () =>
        client.createSubscription(names.topic, names.subscription, {
          ...keeping,
          ackDeadlineSeconds: ACK_DEADLINE_S,
          enableExactlyOnceDelivery: exactlyOnce,
          ...(client.isEmulator ? {} : { retryPolicy: RETRY_POLICY }),
          deadLetterPolicy: { deadLetterTopic: topicPath(names, deadLetterTopic), maxDeliveryAttempts },
        }),
    ],
    [
      'subscription',
      deadLetterSubscriptionOf(names),
      () =>
        client.createSubscription(deadLetterTopic, deadLetterSubscriptionOf(names), {
          ...keeping,
          ackDeadlineSeconds: ACK_DEADLINE_S,
        }),
    ],
  ];
  const resources: Resource[] = [];
  for (const [kind, id, create] of steps) {
    resources.push({ kind, id, isNew: await isCreated(create) });
  }
  return resources;
}

async function isCreated(create: () => Promise<unknown>): Promise<boolean> {
  try {
    await create();
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === ALREADY_EXISTS) return false;
    throw error;
  }
}
