import type { PubSub } from '@google-cloud/pubsub';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { withDeadline } from '../../common/deadline.js';
import { OperatorError } from '../../common/operator.error.js';
import { Configuration } from '../../config/configuration.js';
import { onceWithin } from './once-within.js';
import { type PubSubNames, pubSubSettingsOf, topicPath } from './pubsub.names.js';
import { isNotFound, remedyFor } from './pubsub.problem.js';

const ANSWER_WITHIN_MS = 3_000;
const CALL = onceWithin(ANSWER_WITHIN_MS);

/**
 * Keeps the service from starting without what it needs in Pub/Sub: a topic for the API, and for the worker a subscription to
 * it. A Pub/Sub that is away keeps nobody from starting, nor do credentials that may not look.
 */
@Injectable()
export class PubSubStartCheck implements OnModuleInit {
  private readonly logger = new Logger(PubSubStartCheck.name);

  constructor(private readonly configuration: Configuration) {}

  /** @throws OperatorError that names the remedy */
  async onModuleInit(): Promise<void> {
    const { transport, role } = this.configuration;
    if (transport !== 'pubsub') return;
    const names = pubSubSettingsOf(this.configuration);
    const { createPubSubClient } = await import('./pubsub.client.js');
    const client = createPubSubClient(names);
    try {
      const checks = async (): Promise<void> => {
        if (role !== 'worker') await checkTopic(client, names);
        if (role !== 'api') await this.checkSubscription(client, names);
      };
      await withDeadline(checks(), ANSWER_WITHIN_MS, () => new Error('no answer'));
    } catch (error) {
      if (error instanceof OperatorError) throw error;
      this.logger.warn(`Whether Pub/Sub has what the service needs cannot be told. ${remedyFor(error)}`);
    } finally {
      await client.close();
    }
  }

  private async checkSubscription(client: PubSub, names: PubSubNames): Promise<void> {
    const { projectId, topic, subscription } = names;
    const create = `gcloud pubsub subscriptions create ${subscription} --topic=${topic} --ack-deadline=10 --expiration-period=never --project=${projectId}`;
    const [found] = await client
      .subscription(subscription)
      .getMetadata(CALL)
      .catch((error: unknown) => refuse(error, 'subscription', subscription, create));
    if (found.topic !== topicPath(names, topic)) {
      throw new OperatorError(
        `Pub/Sub's subscription ${subscription} (PUBSUB_SUBSCRIPTION) belongs to ${found.topic ?? 'no topic'}, and PUBSUB_TOPIC is ${topic}. ` +
          'Events would never be stored. Set the two to belong together.',
      );
    }
    if (!found.deadLetterPolicy?.deadLetterTopic) {
      this.logger.warn(
        `Pub/Sub's subscription ${subscription} has no dead-letter topic: a batch that ends its worker each time is delivered for ever. See docs/pubsub.md.`,
      );
    }
  }
}

async function checkTopic(client: PubSub, { projectId, topic }: PubSubNames): Promise<void> {
  const create = `gcloud pubsub topics create ${topic} --project=${projectId}`;
  await client
    .topic(topic)
    .getMetadata(CALL)
    .catch((error: unknown) => refuse(error, 'topic', topic, create));
}

function refuse(error: unknown, kind: 'topic' | 'subscription', id: string, create: string): never {
  if (!isNotFound(error)) throw error;
  throw new OperatorError(
    `Pub/Sub has no ${kind} ${id} (PUBSUB_${kind.toUpperCase()}). Run: segops pubsub create. Or, without the dead letters that it makes too: ${create}`,
  );
}
